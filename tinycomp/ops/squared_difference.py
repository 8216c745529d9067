"""SQUARED_DIFFERENCE: both inputs are rescaled with 7 extra bits; rounds twice, in three places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import quantize_multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._broadcast import aligned
from tinycomp.ops._differentiable import side_by_side
from tinycomp.ops._quantized import centre, parameters, refuse_constants, saturate
from tinycomp.ops._sum import SumFactors, rescaled_kernel

_LEFT_SHIFT = 7
"""Extra bits of both inputs (the kernel's constant): the square of a difference fits 32 bits."""


@dataclass(frozen=True)
class SquaredDifference(BinaryOperator):
    """(first - second)^2. One input may be broadcast."""

    name: ClassVar[str] = "squared_difference"
    tflite_names: ClassVar[tuple[str, ...]] = ("SQUARED_DIFFERENCE",)
    phrase: ClassVar[str] = "A squared difference"

    def output_range(self, operands: Operands) -> OutputRange:
        """Unconstrained."""
        return OutputRange()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Rescales inputs to the common scale, and the square to the output's."""
        factors, rank = _factors(operands), len(operands.output.shape)
        first, second = (
            requantize(
                centre(x.reshape(len(x), *aligned(tensor.shape, rank)), tensor) << _LEFT_SHIFT,
                *factor,
            )
            for tensor, x, factor in zip(operands.activations, inputs, factors[:2], strict=True)
        )
        squares = requantize((first - second) ** 2, *factors.output)
        return saturate(squares + parameters(operands.output).zero_point)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        first, second = side_by_side(operands, inputs)
        return ops.square(first - second)

    def kernel(self, operands: Operands) -> KernelCall:
        """The broadcast input comes second."""
        return rescaled_kernel("squared_difference", operands, _factors(operands), {})

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> SquaredDifference:
        """No options.

        Raises:
            ModelError: an input is a constant.
        """
        refuse_constants(
            name,
            operands,
            expected="Expected two tensors that are computed.",
            hint="Subtract the constant by a layer of its own, and multiply the result with "
            "itself.",
        )
        return cls()

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """SQUARED_DIFFERENCE; version 2 has int8."""
        number = 2 if operands.output.dtype == "int8" else 1
        options = schema.SquaredDifferenceOptionsT()
        return TfliteOperator(
            "SQUARED_DIFFERENCE", "SquaredDifferenceOptions", options, version=number
        )


def _factors(operands: Operands) -> SumFactors:
    """The multipliers to twice the larger scale, and that of the square; in float32 like LiteRT.

    Raises:
        ModelError: the output's scale is so fine that its multiplier is not below 1.
    """
    first, second = (np.float32(parameters(value).scale) for value in operands.inputs)
    target = np.float32(parameters(operands.output).scale)
    common = 2.0 * float(max(first, second))
    output = common * common / float(np.float32(1 << 2 * _LEFT_SHIFT) * target)
    if output >= 1.0:
        raise ModelError(
            f"{operands.output.name!r} (squared_difference) has the scale {target:g} for inputs of "
            f"{first:g} and {second:g}.",
            expected=(
                f"Expected more than 2^-{2 * _LEFT_SHIFT - 2} of the larger input's scale squared."
            ),
            hint="Calibrate with data that makes this difference other than zero.",
        )
    return SumFactors(
        quantize_multiplier(float(first) / common),
        quantize_multiplier(float(second) / common),
        quantize_multiplier(output),
    )
