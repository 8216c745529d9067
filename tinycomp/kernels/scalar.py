"""Cores without SIMD (Cortex-M0, M3, RV32IMC, Xtensa LX6 and LX106): two products a
multiplication.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall, Operands
from tinycomp.kernels._instruction_set import InstructionSet
from tinycomp.kernels._scalar_convolution import convolution
from tinycomp.kernels._scalar_fully_connected import fully_connected

_KERNELS: dict[str, Callable[[KernelCall, Operands, Encoded | None], KernelCall | None]] = {
    "conv_2d": convolution,
    "fully_connected": fully_connected,
}


class Scalar(InstructionSet):
    """32-bit multiplications of which sums keep two products apart."""

    name: ClassVar[str] = "scalar"

    def adapt(self, call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall:
        """The scalar kernel, where there is one and the numbers stay within its bounds."""
        kernel = _KERNELS.get(call.kernel)
        return (kernel(call, operands, stored) if kernel else None) or call
