"""RESIZE_NEAREST_NEIGHBOR: repeats or skips rows and columns."""

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
from tinycomp.ops._resize import read_resizing, write_resizing
from tinycomp.ops._tflite import LARGEST_PADDED


@dataclass(frozen=True)
class ResizeNearestNeighbor(Move):
    """Resizes an image; each cell is a copy of the nearest one."""

    name: ClassVar[str] = "resize_nearest_neighbor"
    tflite_names: ClassVar[tuple[str, ...]] = ("RESIZE_NEAREST_NEIGHBOR",)

    size: tuple[int, int]
    """Height and width of the output."""
    align_corners: bool = False
    """Align the corners' cells, and round positions instead of rounding down."""
    half_pixel_centers: bool = False
    """Positions are those of the cells' centres."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The new size, and the channels.

        Raises:
            ModelError: the input is not an image, or the size is not positive or absurd.
        """
        (shape,) = inputs
        fits = len(shape) == 3 and min(self.size) >= 1
        if not fits or math.prod(self.size) * shape[2] > LARGEST_PADDED:
            raise ModelError(
                f"An input of shape {shape} can't be resized to {self.size}.",
                expected="Expected (height, width, channels), and a size that gives at most "
                f"{LARGEST_PADDED:,} values.",
            )
        return (*self.size, shape[2])

    def moved(self, x: Array) -> Array:
        """Gathers rows, then columns."""
        height, width = x.shape[1:3]
        rows = np.take(x, self._nearest(height, self.size[0]), axis=1)
        return np.take(rows, self._nearest(width, self.size[1]), axis=2)

    def _nearest(self, source: int, target: int) -> Array:
        """The input cell of each output cell, computed in float32 like LiteRT."""
        corners = self.align_corners and target > 1
        scale = np.float32(source - 1) / np.float32(target - 1) if corners else (
            np.float32(source) / np.float32(target)
        )  # fmt: skip
        offset = np.float32(0.5 if self.half_pixel_centers else 0)
        positions = (np.arange(target, dtype=np.float32) + offset) * scale
        found = np.floor(positions.astype(np.float64) + 0.5 * self.align_corners)
        return np.clip(found.astype(np.int64), 0, source - 1)

    def inner(self) -> ResizeNearestNeighbor | None:
        """Itself, because it always applies to rows and columns."""
        return self

    @classmethod
    def read(cls, name: str, options: Any, operands: Operands) -> Moved:
        """The size is a constant.

        Raises:
            ModelError: it is not constant, or does not fit the input.
        """
        batch, *image = operands.activations[0].shape
        op = cls(*read_resizing(name, options, operands))
        return Moved(op, (batch, *op.infer_shape([tuple(image)])))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """RESIZE_NEAREST_NEIGHBOR; version 2 has int8, version 3 half-pixel centres."""
        options = schema.ResizeNearestNeighborOptionsT()
        return write_resizing(
            self, operands, "RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions", options
        )
