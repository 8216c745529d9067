"""AVR: a byte at a time, sums of 24 bits in registers, and nothing to do for activations of -128,
of which a ReLU makes many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.kernels._avr_convolution import convolution, fully_connected
from tinycomp.kernels._avr_depthwise import depthwise
from tinycomp.kernels._instruction_set import Adapt, InstructionSet


class Avr(InstructionSet):
    """MULSU, and reads that move on."""

    name: ClassVar[str] = "avr"
    kernels: ClassVar[Mapping[str, Adapt]] = {
        "conv_2d": convolution,
        "depthwise_conv_2d": depthwise,
        "fully_connected": fully_connected,
    }
