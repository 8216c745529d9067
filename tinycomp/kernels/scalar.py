"""Cores without SIMD (Cortex-M0, M3, RV32IMC, Xtensa LX6 and LX106): two products a
multiplication.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._instruction_set import InstructionSet
from tinycomp.kernels._scalar_add import add
from tinycomp.kernels._scalar_convolution import convolution
from tinycomp.kernels._scalar_depthwise import depthwise
from tinycomp.kernels._scalar_fully_connected import fully_connected

_KERNELS: dict[str, Callable[[KernelCall, Operands, Encoded | None], KernelCall | None]] = {
    "add": add,
    "conv_2d": convolution,
    "depthwise_conv_2d": depthwise,
    "fully_connected": fully_connected,
}


class Scalar(InstructionSet):
    """Plain 32-bit registers, as many as there are."""

    name: ClassVar[str] = "scalar"

    def adapt(self, call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall:
        """The scalar kernel, where there is one and the numbers stay within its bounds."""
        kernel = _KERNELS.get(call.kernel)
        return (kernel(call, operands, stored) if kernel else None) or call
