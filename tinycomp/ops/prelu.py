"""PRELU: constant slopes for negative values: a single one, one per channel or one per value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import Multiplier, requantize
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import KerasLayer, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._broadcast import aligned
from tinycomp.ops._differentiable import side_by_side
from tinycomp.ops._factor import bounded_multiplier
from tinycomp.ops._quantized import centre, parameters, saturate
from tinycomp.ops._registry import operators
from tinycomp.ops._rows import rows


@dataclass(frozen=True)
class Prelu(BinaryOperator):
    """The first input if it is not negative, otherwise its product with the second, a constant."""

    name: ClassVar[str] = "prelu"
    tflite_names: ClassVar[tuple[str, ...]] = ("PRELU",)
    keras_names: ClassVar[tuple[str, ...]] = ("PReLU",)
    phrase: ClassVar[str] = "A PReLU"
    commutes: ClassVar[bool] = False

    def output_range(self, operands: Operands) -> OutputRange:
        """Unconstrained."""
        return OutputRange()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Positive and negative values are rescaled by different factors; both round twice."""
        positive, negative = _factors(operands)
        (slopes,) = operands.constants
        x = centre(inputs[0], operands.inputs[0])
        alpha = centre(slopes.values, slopes).reshape(
            aligned(slopes.shape, len(operands.output.shape))
        )
        y = np.where(x >= 0, requantize(x, *positive), requantize(x * alpha, *negative))
        return saturate(y + parameters(operands.output).zero_point)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        x, slopes = side_by_side(operands, inputs)
        return ops.where(x >= 0, x, slopes * x)

    def kernel(self, operands: Operands) -> KernelCall:
        """The kernel's call, with the slopes of the file."""
        (tensor,), (slopes,) = operands.activations, operands.constants
        positive, negative = _factors(operands)
        size = rows(operands.output.shape)[1]
        same = slopes.values.size == operands.output.size
        fields: dict[str, int | Array] = {
            "size": size,
            "period": size if same else slopes.values.size,
            "advance": size if same else 0,
            "slopes": slopes.values.astype(np.int8).ravel(),
            "input_zero_point": parameters(tensor).zero_point,
            "slope_zero_point": parameters(slopes).zero_point,
            "output_zero_point": parameters(operands.output).zero_point,
            "positive_shift": positive.shift,
            "negative_shift": negative.shift,
            "positive_multiplier": positive.multiplier,
            "negative_multiplier": negative.multiplier,
        }
        return KernelCall("prelu", fields, in_place=True)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Prelu:
        """No options.

        Raises:
            ModelError: the slopes are computed.
        """
        if len(operands.activations) != 1 or operands.inputs[0] not in operands.activations:
            raise ModelError(
                f"The slopes of {operands.output.name!r} (PRELU) are not constant.",
                expected="Expected constant slopes below zero.",
            )
        return cls()

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """A single slope becomes a leaky ReLU."""
        slopes = layer.weights["alpha"]
        if slopes.size and np.ptp(slopes) == 0:
            leaky = operators()["leaky_relu"](float(slopes.flat[0]))  # type: ignore[call-arg]
            return builder.add(leaky, inputs, layer.name)
        # The kernel repeats slopes of the last axes; other shared axes are written out.
        shape = builder.tensors[inputs[0]].shape
        channels = slopes.size == slopes.shape[-1]
        values = slopes.ravel() if channels else np.broadcast_to(slopes, shape)
        name = builder.constant(f"{layer.name}/slopes", np.ascontiguousarray(values))
        return builder.add(cls(), [inputs[0], name], layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """PRELU."""
        return TfliteOperator("PRELU")


def _factors(operands: Operands) -> tuple[Multiplier, Multiplier]:
    """Multipliers of nonnegative values, and of products with a slope; in float32 like LiteRT."""
    source, slopes = (np.float32(parameters(value).scale) for value in operands.inputs)
    target = np.float32(parameters(operands.output).scale)
    return (
        bounded_multiplier(float(source / target), 9, operands),
        bounded_multiplier(float(source * slopes / target), 17, operands),
    )
