"""Xtensa with MAC16 and zero-overhead loops (ESP32's LX6, ESP32-S3's LX7): one product per
instruction, which also loads operands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._instruction_set import Adapt, InstructionSet
from tinycomp.kernels._mac16_convolution import convolution
from tinycomp.kernels._mac16_depthwise import depthwise
from tinycomp.kernels._mac16_fully_connected import fully_connected
from tinycomp.kernels.scalar import Scalar


def _or_scalar(kernel: str, adapt: Adapt) -> Adapt:
    """The scalar set's call for a layer that `adapt` does not support."""

    def first_of_both(
        call: KernelCall, operands: Operands, stored: Encoded | None
    ) -> KernelCall | None:
        found = adapt(call, operands, stored)
        return Scalar.kernels[kernel](call, operands, stored) if found is None else found

    return first_of_both


class Lx6(InstructionSet):
    """Kernels with MULA.DD, LOOP, MIN and MAX; other layers use those for cores without SIMD."""

    name: ClassVar[str] = "lx6"
    shares: ClassVar[tuple[str, ...]] = (Scalar.name,)
    kernels: ClassVar[Mapping[str, Adapt]] = {
        **Scalar.kernels,
        "conv_2d": _or_scalar("conv_2d", convolution),
        "fully_connected": _or_scalar("fully_connected", fully_connected),
        "depthwise_conv_2d": _or_scalar("depthwise_conv_2d", depthwise),
    }
