"""AVR: a byte at a time, sums of 24 bits in registers, and nothing to do for activations of -128,
of which a ReLU makes many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._avr_convolution import convolution, fully_connected
from tinycomp.kernels._avr_depthwise import depthwise
from tinycomp.kernels._instruction_set import InstructionSet

_KERNELS: dict[str, Callable[[KernelCall, Operands, Encoded], KernelCall | None]] = {
    "conv_2d": convolution,
    "depthwise_conv_2d": depthwise,
    "fully_connected": fully_connected,
}


class Avr(InstructionSet):
    """MULSU, and reads that move on."""

    name: ClassVar[str] = "avr"

    def adapt(self, call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall:
        """The kernel in assembly, where there is one and the numbers stay within its bounds."""
        kernel = _KERNELS.get(call.kernel)
        if kernel is None or stored is None:
            return call
        return kernel(call, operands, stored) or call
