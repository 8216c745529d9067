"""SOFTMAX for firmware/kernels/armv8_1m_mve/softmax_mve.h."""

from __future__ import annotations

from dataclasses import replace

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands

LEAST = 64
"""Values from which the vectors' code is worth its flash."""


def softmax(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The MVE kernel's call, with the same arguments; None for the few values of a classifier."""
    return replace(call, kernel="softmax_mve") if operands.output.size >= LEAST else None
