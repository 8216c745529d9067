"""RESIZE_BILINEAR: weights with 10 fractional bits, rounded half away from zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._resize import read_resizing, write_resizing
from tinycomp.ops._tflite import LARGEST_PADDED

_ONE = 1 << 10
"""A weight of one."""
_LONGEST = 1 << 12
"""Cells of an axis: their places fit 32 bits."""

Places = NDArray[np.int64]


@dataclass(frozen=True)
class ResizeBilinear(Operator):
    """An image of another height and width, each cell a mean of the four nearest ones."""

    name: ClassVar[str] = "resize_bilinear"
    tflite_names: ClassVar[tuple[str, ...]] = ("RESIZE_BILINEAR",)

    size: tuple[int, int]
    """Height and width of the output."""
    align_corners: bool = False
    """The corners' cells lie on each other."""
    half_pixel_centers: bool = False
    """Cells are compared by their centres."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The new size, and the channels.

        Raises:
            ModelError: the input is not an image, or a size is out of range.
        """
        (shape,) = inputs
        fits = len(shape) == 3 and min(self.size) >= 1 and max(*self.size, *shape[:2]) <= _LONGEST
        if not fits or math.prod(self.size) * shape[2] > LARGEST_PADDED:
            raise ModelError(
                f"An input of shape {shape} is resized to {self.size}.",
                expected=(
                    f"Expected (height, width, channels), at most {_LONGEST} rows and columns."
                ),
            )
        if any(self._leaves(*pair) for pair in zip(shape[:2], self.size, strict=True)):
            raise ModelError(
                f"An input of shape {shape} is resized to {self.size}: LiteRT's rounded steps "
                "reach beyond the input there.",
                expected=(
                    "Expected a size whose ratio to the input's is a whole number, or smaller."
                ),
                hint="Use half-pixel centres, as Keras does.",
            )
        return (*self.size, shape[2])

    def _leaves(self, source: int, target: int) -> bool:
        """Whether LiteRT would read a cell behind the last one."""
        scale = self._scale(source, target)
        return (self._first(scale) + (target - 1) * scale) // _ONE > source - 1

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The rows above and below each."""
        low, high, _ = self._places(operands.inputs[0].shape[0], self.size[0])
        return int(low[first:last].min()), int(high[first:last].max()) + 1

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """Four products for each output."""
        return Cost(macs=4 * operands.output.size)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Rows, then columns, in integers."""
        require_tied(self.name, operands)
        x = inputs[0].astype(np.int64)
        for axis, (source, target) in enumerate(zip(x.shape[1:3], self.size, strict=True), 1):
            low, high, share = self._places(source, target)
            weights = share.reshape(-1, *(1,) * (3 - axis))
            x = np.take(x, low, axis) * (_ONE - weights) + np.take(x, high, axis) * weights
        half = np.where(x > 0, _ONE * _ONE // 2, -_ONE * _ONE // 2)
        rounded = np.trunc((x + half) / (_ONE * _ONE))
        return rounded.astype(np.int8)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Two products with matrices."""
        from keras import ops

        height, width, _ = operands.inputs[0].shape
        rows, columns = self._matrix(height, self.size[0]), self._matrix(width, self.size[1])
        return ops.einsum("yh,bhwc,xw->byxc", rows, inputs[0], columns)

    def kernel(self, operands: Operands) -> KernelCall:
        """Places and weights are computed as they are needed."""
        require_tied(self.name, operands)
        height, width, channels = operands.inputs[0].shape
        down, right = (
            self._scale(source, target)
            for source, target in zip((height, width), self.size, strict=True)
        )
        fields = {
            "height": height,
            "width": width,
            "columns": self.size[1],
            "channels": channels,
            "down": down,
            "right": right,
            "first_down": self._first(down),
            "first_right": self._first(right),
        }
        return KernelCall("resize_bilinear", fields)

    def _scale(self, source: int, target: int) -> int:
        """Cells of the input to a cell of the output, with 10 fractional bits."""
        if self.align_corners and target > 1:
            return (_ONE * (source - 1) + (target - 1) // 2) // (target - 1)
        return (_ONE * source + target // 2) // target

    def _first(self, scale: int) -> int:
        """The place of the first output cell."""
        return scale // 2 - _ONE // 2 if self.half_pixel_centers else 0

    def _places(self, source: int, target: int) -> tuple[Places, Places, Places]:
        """For each output cell the input's cells before and behind, and the latter's weight."""
        scale = self._scale(source, target)
        places = np.arange(target, dtype=np.int64) * scale + self._first(scale)
        low = np.maximum(places // _ONE, 0)
        high = np.clip((places + _ONE - 1) // _ONE, 0, source - 1)
        return low, high, places - _ONE * low

    def _matrix(self, source: int, target: int) -> NDArray[np.float32]:
        """(target, source): the real weights of input cells for each output cell."""
        corners = self.align_corners and target > 1
        scale = (source - 1) / (target - 1) if corners else source / target
        offset = 0.5 if self.half_pixel_centers else 0.0
        places = (np.arange(target) + offset) * scale - offset
        low = np.clip(np.floor(places), 0, source - 1).astype(int)
        high = np.clip(np.ceil(places), 0, source - 1).astype(int)
        share = places - low
        found = np.zeros((target, source))
        np.add.at(found, (np.arange(target), low), 1 - share)
        np.add.at(found, (np.arange(target), high), share)
        return found.astype(np.float32)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> ResizeBilinear:
        """The size is a constant.

        Raises:
            ModelError: it is not constant.
        """
        return cls(*read_resizing(name, options, operands))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """RESIZE_BILINEAR; version 2 has int8, version 3 half-pixel centres."""
        options = schema.ResizeBilinearOptionsT()
        return write_resizing(self, operands, "RESIZE_BILINEAR", "ResizeBilinearOptions", options)
