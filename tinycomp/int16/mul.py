"""MUL on int16; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.int16._form import Form, bounds, clamped
from tinycomp.ir.fixed_point import Multiplier, quantize_multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands, Tensor
from tinycomp.ops._broadcast import aligned, period_fields, repeat_fields
from tinycomp.ops._quantized import parameters


@dataclass(frozen=True)
class MulInt16(Form):
    """A product of two tensors, or of a tensor and a constant."""

    operators: ClassVar[tuple[str, ...]] = ("mul",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The product, rescaled."""
        computed, rank = iter(inputs), len(operands.output.shape)
        product: Array = np.ones(1, np.int64)
        for value in operands.inputs:
            x = next(computed) if isinstance(value, Tensor) else value.values[np.newaxis]
            product = product * x.reshape(len(x), *aligned(value.shape, rank)).astype(np.int64)
        scaled = requantize(product, *_factor(operands))
        return clamped(scaled, self.op.activation, operands.output)

    def kernel(self, operands: Operands) -> KernelCall:
        """A constant lies in flash, else the broadcast input comes second."""
        factor = _factor(operands)
        low, high = bounds(self.op.activation, operands.output)
        last = {
            "shift": factor.shift,
            "activation_min": low,
            "activation_max": high,
            "multiplier": factor.multiplier,
        }
        if not operands.constants:
            walk = repeat_fields(operands)
            return KernelCall("mul_int16", {**walk, **last}, in_place=walk["wide"] == 0)
        (constant,) = operands.constants
        if [tensor.shape for tensor in operands.activations] != [operands.output.shape]:
            raise ModelError(
                f"The product {operands.output.name!r} repeats a tensor over the constant "
                f"{constant.name!r}.",
                expected="Expected a constant no larger than the tensor.",
            )
        fields: dict[str, int | Array] = {
            **period_fields(constant, operands.output),
            "constant": constant.values.astype(np.int16).ravel(),
            **last,
        }
        return KernelCall("mul_constant_int16", fields, in_place=True)


def _factor(operands: Operands) -> Multiplier:
    """Input scale * input scale / output scale, in float32 as LiteRT computes it.

    Raises:
        ModelError: the factor is not below 1, where LiteRT's products would leave 32 bits.
    """
    first, second = (np.float32(parameters(value).scale) for value in operands.inputs)
    real = float(first * second / np.float32(parameters(operands.output).scale))
    factor = quantize_multiplier(real)
    if factor.shift > 0:
        raise ModelError(
            f"The product {operands.output.name!r} has the scale "
            f"{parameters(operands.output).scale:g} for inputs of {first:g} and {second:g}.",
            expected="Expected at least the product of both: more would leave 32 bits.",
            hint="Calibrate with data that makes this product other than zero.",
        )
    return factor
