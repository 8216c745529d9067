"""Common checks and final steps of integer operators: parameters, the clamp to int8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Tensor, Value
from tinycomp.ops._activation import Activation


def parameters(value: Value) -> QuantizationParameters:
    """The quantization of a tensor or constant.

    Raises:
        ModelError: it has none.
    """
    if value.quantization is None:
        raise ModelError(
            f"{value.name!r} has no quantization parameters.",
            expected=(
                "Expected a scale and a zero point for every tensor, as integer code needs them."
            ),
            hint="Quantize the model first.",
        )
    return value.quantization


def centre(values: Array, value: Value) -> NDArray[np.int64]:
    """Stored values without their zero point."""
    return np.asarray(values, np.int64) - parameters(value).zero_point


def saturate(values: Array) -> NDArray[np.int8]:
    """Integers saturated to int8."""
    return np.clip(values, -128, 127).astype(np.int8)


def require_tied(operator: str, operands: Operands) -> None:
    """Require equal parameters of the inputs and output of an operator that copies or selects
    values.

    Raises:
        ModelError: they do not.
    """
    output = parameters(operands.output)
    for tensor in operands.activations:
        source = parameters(tensor)
        if (source.scale, source.zero_point) != (output.scale, output.zero_point):
            raise ModelError(
                f"{operands.output.name!r} ({operator}) has other quantization parameters than its "
                f"input {tensor.name!r}.",
                expected=f"Expected scale {source.scale:g} and zero point {source.zero_point}.",
                hint="Quantize the model again with tied parameters.",
            )


def refuse_constants(builtin: str, operands: Operands, *, expected: str, hint: str = "") -> None:
    """Refuse an operator with a constant where only tensors can stand.

    Raises:
        ModelError: it has one.
    """
    if operands.constants:
        raise ModelError(
            f"{operands.output.name!r} ({builtin}) has the constant input "
            f"{operands.constants[0].name!r}.",
            expected=expected,
            hint=hint,
        )


def requantized(values: Array, output: Tensor, activation: Activation) -> NDArray[np.int8]:
    """Add the output's zero point to rescaled sums and clamp them to the activation's bounds."""
    target = parameters(output)
    low, high = activation.clamp(target)
    # The kernels apply the lower bound first: an empty range (low > high) gives `high`.
    clamped: Array = np.minimum(np.maximum(values + target.zero_point, low), high)
    return clamped.astype(np.int8)


@dataclass(frozen=True)
class Clamp:
    """The last three numbers of most kernels."""

    zero_point: int
    """Of the output."""
    low: int
    """The least output."""
    high: int
    """The greatest output."""

    @classmethod
    def of(cls, output: Tensor, activation: Activation) -> Clamp:
        """The output's zero point and the activation's bounds in its int8 domain."""
        target = parameters(output)
        return cls(target.zero_point, *activation.clamp(target))
