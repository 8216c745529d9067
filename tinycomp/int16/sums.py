"""ADD and SUB on int16: inputs are rescaled with 15 extra bits; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.int16._form import Form, bounds, clamped
from tinycomp.ir.fixed_point import Multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands, Tensor
from tinycomp.ops._activation import Activation
from tinycomp.ops._broadcast import aligned, period_fields, repeat_fields
from tinycomp.ops._sum import sum_factors

_LEFT_SHIFT = 15
"""Extra bits of both inputs (the kernels' constant)."""


@dataclass(frozen=True)
class SumInt16(Form):
    """A sum of two tensors, or a difference."""

    operators: ClassVar[tuple[str, ...]] = ("add", "subtract")

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Both inputs in the common scale, then their sum in the output's."""
        return _total(operands, inputs, self.op.activation, self.op.name == "subtract")

    def kernel(self, operands: Operands) -> KernelCall:
        """The broadcast input comes second; a negative multiplier subtracts."""
        factors = list(sum_factors(operands, _LEFT_SHIFT))
        if self.op.name == "subtract":
            factors[1] = Multiplier(-factors[1].multiplier, factors[1].shift)
        walk = repeat_fields(operands)
        wide, repeated = factors[walk["wide"]], factors[1 - walk["wide"]]
        low, high = bounds(self.op.activation, operands.output)
        fields = {
            **walk,
            "activation_min": low,
            "activation_max": high,
            "wide_shift": wide.shift,
            "repeated_shift": repeated.shift,
            "output_shift": factors[2].shift,
            "wide_multiplier": wide.multiplier,
            "repeated_multiplier": repeated.multiplier,
            "output_multiplier": factors[2].multiplier,
        }
        return KernelCall("add_int16", fields, in_place=walk["wide"] == 0)


@dataclass(frozen=True)
class SumWithConstantInt16(Form):
    """A sum of a tensor and a constant, or a difference."""

    operators: ClassVar[tuple[str, ...]] = ("add_constant",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Both inputs in the common scale, then their sum in the output's."""
        return _total(operands, inputs, self.op.activation, self.op.subtract)

    def kernel(self, operands: Operands) -> KernelCall:
        """The constant is stored in the common scale, with its sign in the sum."""
        (constant,) = operands.constants
        factors = sum_factors(operands, _LEFT_SHIFT)
        first = isinstance(operands.inputs[0], Tensor)
        mine, other = factors[:2] if first else factors[1::-1]
        addend = _raised(constant.values, other)
        if self.op.subtract and first:
            addend = -addend
        low, high = bounds(self.op.activation, operands.output)
        fields: dict[str, int | Array] = {
            **period_fields(constant, operands.output),
            "constant": addend.astype(np.int32).ravel(),
            "negative": int(self.op.subtract and not first),
            "activation_min": low,
            "activation_max": high,
            "input_shift": mine.shift,
            "output_shift": factors.output.shift,
            "input_multiplier": mine.multiplier,
            "output_multiplier": factors.output.multiplier,
        }
        return KernelCall("add_constant_int16", fields, in_place=True)


def _total(
    operands: Operands, inputs: Sequence[Array], activation: Activation, subtract: bool
) -> Array:
    factors, rank = sum_factors(operands, _LEFT_SHIFT), len(operands.output.shape)
    computed, terms = iter(inputs), []
    for value, factor in zip(operands.inputs, factors[:2], strict=True):
        x = next(computed) if isinstance(value, Tensor) else value.values[np.newaxis]
        terms.append(_raised(x.reshape(len(x), *aligned(value.shape, rank)), factor))
    total = terms[0] - terms[1] if subtract else terms[0] + terms[1]
    return clamped(requantize(total, *factors.output), activation, operands.output)


def _raised(values: Array, factor: Multiplier) -> Array:
    """Values of an input in the common scale."""
    return requantize(np.asarray(values, np.int64) << _LEFT_SHIFT, *factor)
