"""AVR: byte by byte, 24-bit sums in registers; activations of -128, frequent after a ReLU, are
skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.kernels._avr_convolution import convolution, fully_connected
from tinycomp.kernels._avr_depthwise import depthwise
from tinycomp.kernels._instruction_set import Adapt, InstructionSet


class Avr(InstructionSet):
    """Kernels with MULSU and post-increment loads."""

    name: ClassVar[str] = "avr"
    kernels: ClassVar[Mapping[str, Adapt]] = {
        "conv_2d": convolution,
        "depthwise_conv_2d": depthwise,
        "fully_connected": fully_connected,
    }
