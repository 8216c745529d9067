"""Armv8.1-M with the vector extension (MVE, Helium; Cortex-M52, M55, M85): sixteen products an
instruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._add_constant_affine import add_constant
from tinycomp.kernels._fully_connected_int16 import fully_connected_int16
from tinycomp.kernels._instruction_set import Adapt, InstructionSet
from tinycomp.kernels._mve_add import add
from tinycomp.kernels._mve_convolution import convolution
from tinycomp.kernels._mve_depthwise import depthwise
from tinycomp.kernels._mve_elementwise import elementwise
from tinycomp.kernels._mve_fully_connected import fully_connected
from tinycomp.kernels._mve_int16 import convolution_int16, depthwise_int16
from tinycomp.kernels._mve_softmax import softmax


def _same(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall:
    """A kernel with the same arguments as the portable one."""
    return replace(call, kernel=f"{call.kernel}_mve")


class Armv81MMve(InstructionSet):
    """Kernels with VMLADAV, VQRDMULH and tail-predicated loops."""

    name: ClassVar[str] = "armv8_1m_mve"
    kernels: ClassVar[Mapping[str, Adapt]] = {
        "add": add,
        "add_constant": add_constant,
        "add_int16": elementwise,
        "average_pool_global": _same,
        "conv_2d": convolution,
        "conv_2d_int16": convolution_int16,
        "depthwise_conv_2d": depthwise,
        "depthwise_conv_2d_int16": depthwise_int16,
        "fully_connected": fully_connected,
        "fully_connected_int16": fully_connected_int16,
        "mean": _same,
        "mul_int16": elementwise,
        "softmax": softmax,
    }
