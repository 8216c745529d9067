"""Cores without SIMD (Cortex-M0, M3, RV32IMC, Xtensa LX6 and LX106): two products a
multiplication.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.kernels._add_constant_affine import add_constant
from tinycomp.kernels._fully_connected_int16 import fully_connected_int16
from tinycomp.kernels._instruction_set import Adapt, InstructionSet
from tinycomp.kernels._scalar_add import add
from tinycomp.kernels._scalar_convolution import convolution
from tinycomp.kernels._scalar_depthwise import depthwise
from tinycomp.kernels._scalar_fully_connected import fully_connected


class Scalar(InstructionSet):
    """Kernels with 32-bit integer instructions."""

    name: ClassVar[str] = "scalar"
    kernels: ClassVar[Mapping[str, Adapt]] = {
        "add": add,
        "add_constant": add_constant,
        "conv_2d": convolution,
        "depthwise_conv_2d": depthwise,
        "fully_connected": fully_connected,
        "fully_connected_int16": fully_connected_int16,
    }
