"""LOGISTIC and TANH on int16: both interpolate one table of the sigmoid, as LiteRT does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.int16._form import UNIT, Form
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters
from tinycomp.ops._quantized import parameters
from tinycomp.ops._rows import rows

_RAISED = (
    4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41,
    43, 44, 45, 46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
)  # fmt: skip
"""Entries of LiteRT's table that are one more than the nearest integer."""
_LARGEST = 32767
_SHIFTS = 30


class Scaling(NamedTuple):
    """How an input becomes an index into the table: times 3 * 4096 * scale."""

    multiplier: int
    """At most 15 bits."""
    shift: int
    """To the right, after the multiplication."""


@dataclass(frozen=True)
class Curve(Form):
    """One of the two curves; its output is a fraction of 1 with 15 bits."""

    fixed: ClassVar[QuantizationParameters | None] = UNIT
    bits: ClassVar[int]
    """Of the position between two entries of the table."""
    exact_shifts: ClassVar[tuple[int, ...]]
    """Input scales 2^(shift - 12) that are not approximated."""

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Interpolation, of the absolute value."""
        multiplier, shift = self.scaling(operands)
        half = (1 << shift) >> 1
        x = (inputs[0].astype(np.int64) * multiplier + half) >> shift
        place = np.abs(x) >> self.bits
        inside = np.minimum(place, 254)
        table = sigmoid_table().astype(np.int64)
        step = table[inside + 1] - table[inside]
        between = (table[inside] << self.bits) + (np.abs(x) & ((1 << self.bits) - 1)) * step
        return self._output(x, place, between).astype(np.int16)

    def kernel(self, operands: Operands) -> KernelCall:
        """In place."""
        multiplier, shift = self.scaling(operands)
        fields: dict[str, int | Array] = {
            "size": rows(operands.output.shape)[1],
            "multiplier": multiplier,
            "shift": shift,
            "table": sigmoid_table(),
        }
        return KernelCall(f"{self.op.name}_int16", fields, in_place=True)

    def _output(self, x: Array, place: Array, between: Array) -> Array:
        raise NotImplementedError

    def scaling(self, operands: Operands) -> Scaling:
        """Of the input's steps.

        Raises:
            ModelError: the input or the output has a scale that the specification excludes.
        """
        target = parameters(operands.output)
        if not _is_power(target.scale, -15):
            raise ModelError(
                f"{operands.output.name!r} ({self.op.name}) has the scale {target.scale:g}.",
                expected="Expected 1/32768, as the specification of 16-bit activations fixes it.",
            )
        scale = parameters(operands.activations[0]).scale
        for exact in self.exact_shifts:
            if _is_power(scale, exact - 12):
                return Scaling(3 << exact, 0)
        multiplier, shift = scale * 4096.0 * 3.0, 0
        while multiplier <= _LARGEST / 2 and shift <= _SHIFTS:
            shift, multiplier = shift + 1, multiplier * 2
        if multiplier > _LARGEST:
            raise ModelError(
                f"{operands.output.name!r} ({self.op.name}) reads values of scale {scale:g}.",
                expected=f"Expected at most {_LARGEST / 3 / 4096:g}.",
                hint="Calibrate with other data: its inputs are far outside the curve.",
            )
        return Scaling(int(multiplier), shift)


@dataclass(frozen=True)
class LogisticInt16(Curve):
    """1 / (1 + e^-x)."""

    operators: ClassVar[tuple[str, ...]] = ("logistic",)
    bits: ClassVar[int] = 9
    exact_shifts: ClassVar[tuple[int, ...]] = (0,)

    def _output(self, x: Array, place: Array, between: Array) -> Array:
        found = np.where(place >= 255, 0x7FFF << 10, between)
        mirrored = (1 << 25) - found + (1 << 9) - 1
        output: Array = np.where(x >= 0, found + (1 << 9), mirrored) >> 10
        return output


@dataclass(frozen=True)
class TanhInt16(Curve):
    """2 / (1 + e^-2x) - 1."""

    operators: ClassVar[tuple[str, ...]] = ("tanh",)
    bits: ClassVar[int] = 8
    exact_shifts: ClassVar[tuple[int, ...]] = (0, 1)

    def _output(self, x: Array, place: Array, between: Array) -> Array:
        found = np.where(place >= 255, 0xFFFF << 8, between) - (1 << 23)
        output: Array = np.where(x >= 0, found + (1 << 7), -found + (1 << 7) - 1) >> 8
        return output


def sigmoid_table() -> NDArray[np.uint16]:
    """65536 / (1 + e^(-i / 24)) for i from 0 to 255, as LiteRT has it."""
    nearest = [round(65536 / (1 + math.exp(-i / 24))) for i in range(256)]
    table = np.array(nearest, np.uint16)
    table[list(_RAISED)] += 1
    return table


def _is_power(scale: float, exponent: int) -> bool:
    """Whether a scale is 2^exponent, as closely as LiteRT wants it."""
    log = math.log2(scale)
    return round(log) == exponent and abs(log - round(log)) < 1e-3
