"""Armv7E-M with the DSP extension (Cortex-M4, M7; M33 where it has it): two products an
instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_add import add
from tinycomp.kernels._dsp_convolution import convolution
from tinycomp.kernels._dsp_depthwise import depthwise
from tinycomp.kernels._dsp_fully_connected import fully_connected
from tinycomp.kernels._dsp_pooling import average_pool_global
from tinycomp.kernels._instruction_set import InstructionSet

_KERNELS: dict[str, Callable[[KernelCall, Operands, Encoded | None], KernelCall | None]] = {
    "add": add,
    "average_pool_global": average_pool_global,
    "conv_2d": convolution,
    "depthwise_conv_2d": depthwise,
    "fully_connected": fully_connected,
}


class Armv7EM(InstructionSet):
    """SMLAD, SMMLAR, SXTB16 and their like."""

    name: ClassVar[str] = "armv7e_m"

    def adapt(self, call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall:
        """The DSP kernel, where there is one and the numbers stay within its bounds."""
        kernel = _KERNELS.get(call.kernel)
        return (kernel(call, operands, stored) if kernel else None) or call
