"""MUL and sums on int16 for firmware/kernels/armv8_1m_mve/mul*_mve.h and add_int16_mve.h."""

from __future__ import annotations

from dataclasses import replace

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer

SHIFTS = ("shift", "wide_shift", "repeated_shift", "output_shift")
"""Members with the binary exponents of factors."""


def elementwise(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The MVE kernel's call, with the same arguments; None if a factor is 1 or more, which shifts
    to the left.
    """
    shifts = [integer(call, name) for name in SHIFTS if name in call.fields]
    if not all(-32 < shift <= 0 for shift in shifts):
        return None
    return replace(call, kernel=f"{call.kernel}_mve")
