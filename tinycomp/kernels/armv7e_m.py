"""Armv7E-M with the DSP extension (Cortex-M4, M7; M33 where it has it): two products an
instruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.kernels._add_constant_affine import add_constant
from tinycomp.kernels._dsp_add import add, add_int16
from tinycomp.kernels._dsp_convolution import convolution
from tinycomp.kernels._dsp_convolution_int16 import convolution_int16
from tinycomp.kernels._dsp_depthwise import depthwise
from tinycomp.kernels._dsp_depthwise_int16 import depthwise_int16
from tinycomp.kernels._dsp_fully_connected import fully_connected
from tinycomp.kernels._dsp_fully_connected_int16 import fully_connected_int16
from tinycomp.kernels._dsp_pooling import average_pool_global, mean
from tinycomp.kernels._dsp_recurrent import gru, lstm
from tinycomp.kernels._dsp_recurrent_int16 import gru_int16
from tinycomp.kernels._instruction_set import Adapt, InstructionSet


class Armv7EM(InstructionSet):
    """Kernels with SMLAD, SMMLAR, SXTB16 and similar instructions."""

    name: ClassVar[str] = "armv7e_m"
    kernels: ClassVar[Mapping[str, Adapt]] = {
        "add": add,
        "add_constant": add_constant,
        "add_int16": add_int16,
        "average_pool_global": average_pool_global,
        "conv_2d": convolution,
        "conv_2d_int16": convolution_int16,
        "depthwise_conv_2d": depthwise,
        "depthwise_conv_2d_int16": depthwise_int16,
        "fully_connected": fully_connected,
        "fully_connected_int16": fully_connected_int16,
        "gru": gru,
        "gru_int16": gru_int16,
        "lstm": lstm,
        "mean": mean,
    }
