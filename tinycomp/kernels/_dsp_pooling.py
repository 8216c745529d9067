"""AVERAGE_POOL_2D over the whole input for firmware/kernels/armv7e_m/average_pool_global_dsp.h."""

from __future__ import annotations

from dataclasses import replace

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer

GROUP = 4
"""Channels that are summed together."""
MOST_CELLS = 256
"""So many values of -128 have a sum of 16 bits."""


def average_pool_global(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The call of the DSP kernel; None where channels are no whole groups, or cells too many."""
    channels = integer(call, "channels")
    if channels % GROUP or integer(call, "height") * integer(call, "width") > MOST_CELLS:
        return None
    return replace(call, kernel="average_pool_global_dsp", scratch=2 * channels)
