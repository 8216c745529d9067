"""RELU, LEAKY_RELU and QUANTIZE on int16, and QUANTIZE from or to int8: one factor on each side of
zero, rounded twice.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.int16._form import HIGHEST, LOWEST, Form, rescaling
from tinycomp.ir.fixed_point import Multiplier, quantize_multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._activation import quantize_bound
from tinycomp.ops._quantized import parameters
from tinycomp.ops._rows import rows

_LARGEST_SHIFT = 15


class Sides(NamedTuple):
    """What happens to values on each side of zero."""

    positive: Multiplier
    """The factor of values from zero on."""
    negative: Multiplier
    """That of values below; its multiplier may be negative."""
    low: int
    """The least output."""
    high: int
    """The greatest output."""


@dataclass(frozen=True)
class Rescaling(Form):
    """A function that is linear on each side of zero."""

    @abstractmethod
    def sides(self, operands: Operands) -> Sides:
        """The factors and bounds."""

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Each value times its side's factor."""
        source, target = parameters(operands.activations[0]), parameters(operands.output)
        sides = self._checked(operands)
        x = inputs[0].astype(np.int64) - source.zero_point
        sign = -1 if sides.negative.multiplier < 0 else 1
        below = sign * requantize(x, abs(sides.negative.multiplier), sides.negative.shift)
        y = np.where(x >= 0, requantize(x, *sides.positive), below) + target.zero_point
        dtype = np.dtype(operands.output.dtype)
        bounded: Array = np.minimum(np.maximum(y, sides.low), sides.high)
        return bounded.astype(dtype)

    def kernel(self, operands: Operands) -> KernelCall:
        """One kernel for each pair of types."""
        sides = self._checked(operands)
        source, output = operands.activations[0], operands.output
        fields = {
            "size": rows(output.shape)[1],
            "input_zero_point": parameters(source).zero_point,
            "output_zero_point": parameters(output).zero_point,
            "low": sides.low,
            "high": sides.high,
            "positive_shift": sides.positive.shift,
            "negative_shift": sides.negative.shift,
            "positive_multiplier": sides.positive.multiplier,
            "negative_multiplier": sides.negative.multiplier,
        }
        kernel = f"rescale_{source.dtype}_{output.dtype}"
        return KernelCall(kernel, fields, in_place=source.dtype == output.dtype)

    def _checked(self, operands: Operands) -> Sides:
        sides = self.sides(operands)
        if max(sides.positive.shift, sides.negative.shift) > _LARGEST_SHIFT:
            raise ModelError(
                f"The scale of {operands.output.name!r} is 2^{_LARGEST_SHIFT} times finer than its "
                "input's, or more.",
                expected="Expected less: LiteRT's 32 bits would overflow.",
                hint="Calibrate with data that makes this layer's output other than zero.",
            )
        return sides


@dataclass(frozen=True)
class ReluInt16(Rescaling):
    """max(x, 0), at most max_value."""

    operators: ClassVar[tuple[str, ...]] = ("relu",)

    def sides(self, operands: Operands) -> Sides:
        """The same factor on both sides, and 0 as the least output."""
        source, target = (
            np.float32(parameters(each).scale)
            for each in (operands.activations[0], operands.output)
        )
        factor = quantize_multiplier(float(source / target))
        return Sides(factor, factor, 0, _limit(self.op.max_value, operands))


@dataclass(frozen=True)
class LeakyReluInt16(Rescaling):
    """Values below zero times alpha."""

    operators: ClassVar[tuple[str, ...]] = ("leaky_relu",)

    def sides(self, operands: Operands) -> Sides:
        """Factors in float32, as LiteRT computes them."""
        source, target = (
            np.float32(parameters(each).scale)
            for each in (operands.activations[0], operands.output)
        )
        slope = float(source * np.float32(self.op.alpha) / target)
        below = quantize_multiplier(abs(slope))
        if slope < 0:
            below = Multiplier(-below.multiplier, below.shift)
        above = quantize_multiplier(float(source / target))
        return Sides(above, below, LOWEST, _limit(self.op.max_value, operands))


@dataclass(frozen=True)
class QuantizeInt16(Rescaling):
    """Other parameters, or another type, for the same real values."""

    operators: ClassVar[tuple[str, ...]] = ("quantize",)
    types: ClassVar[tuple[tuple[str, str], ...]] = (
        ("int16", "int16"), ("int8", "int16"), ("int16", "int8"),
    )  # fmt: skip

    def sides(self, operands: Operands) -> Sides:
        """One factor."""
        factor = rescaling(operands.activations[0], operands.output)
        found = np.iinfo(operands.output.dtype)
        return Sides(factor, factor, int(found.min), int(found.max))


def _scales(operands: Operands) -> tuple[np.float32, np.float32]:
    """Of the input and the output."""
    source, target = parameters(operands.activations[0]), parameters(operands.output)
    return np.float32(source.scale), np.float32(target.scale)


def _limit(limit: float | None, operands: Operands) -> int:
    if limit is None:
        return HIGHEST
    return min(HIGHEST, quantize_bound(limit, parameters(operands.output)))
