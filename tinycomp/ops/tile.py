"""TILE and BROADCAST_TO: repeat the input along each axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._move import Move, Moved
from tinycomp.ops._tflite import LARGEST_PADDED


@dataclass(frozen=True)
class Tile(Move):
    """Repeats the input along each axis (without the batch)."""

    name: ClassVar[str] = "tile"
    tflite_names: ClassVar[tuple[str, ...]] = ("BROADCAST_TO", "TILE")

    times: tuple[int, ...]
    """Number of repetitions along each axis."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's shape times the number of repetitions.

        Raises:
            ModelError: there is another number of axes, no copy, or too much.
        """
        (shape,) = inputs
        sizes = tuple(size * times for size, times in zip(shape, self.times, strict=False))
        fits = len(shape) == len(self.times) and min(self.times, default=1) >= 1
        if not fits or math.prod(sizes) > LARGEST_PADDED:
            raise ModelError(
                f"An input of shape {shape} can't be repeated {self.times} times.",
                expected=f"Expected 1 or more per axis, and at most {LARGEST_PADDED:,} values.",
            )
        return sizes

    def moved(self, x: Array) -> Array:
        """The repeated input."""
        return np.tile(x, (1, *self.times))

    def inner(self) -> Tile | None:
        """Itself, if the first axis is not repeated."""
        return Tile(self.times[1:]) if self.times[0] == 1 else None

    @classmethod
    def read(cls, name: str, options: Any, operands: Operands) -> Moved:
        """The numbers of repetitions, or the shape to reach, are a constant.

        Raises:
            ModelError: they are not constant, or don't fit the input.
        """
        found = [int(times) for each in operands.constants for times in each.values.ravel()]
        if name == "BROADCAST_TO":
            return cls._to_shape(operands.activations[0].shape, tuple(found))
        op = cls(tuple(found))
        return Moved(op, op.infer_shape([operands.activations[0].shape]))

    @classmethod
    def _to_shape(cls, source: Shape, target: Shape) -> Moved:
        """The repetition that broadcasts a tensor; new axes in front repeat its first one."""
        new = len(target) - len(source)
        sizes = [*zip(source, target[max(new, 0) :], strict=False)]
        if not source or new < 0 or any(size not in (1, wanted) for size, wanted in sizes):
            raise ModelError(
                f"A tensor of shape {source} can't be broadcast to {target or 'a computed shape'}.",
                expected="Expected a constant shape whose last sizes are the tensor's, or 1 there.",
            )
        times = [wanted // size for size, wanted in sizes]
        op = cls((times[0] * math.prod(target[:new]), *times[1:]))
        op.infer_shape([source])
        return Moved(op, target)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """TILE."""
        times = np.array([1, *self.times], np.int32)
        return TfliteOperator("TILE", "TileOptions", schema.TileOptionsT(), (times,))
