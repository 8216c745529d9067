"""STRIDED_SLICE, also used for SLICE, REVERSE_V2, cropping, and outputs of SPLIT, SPLIT_V and
UNPACK.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._move import Move, Moved
from tinycomp.ops._slice_options import Part, Piece, reversed_parts, slice_parts, strided_parts
from tinycomp.ops._tflite import version

_AXES = 4
"""The most axes, without the batch, that LiteRT slices."""


@dataclass(frozen=True)
class StridedSlice(Move):
    """Takes equally spaced cells of each axis; axes with a single remaining cell can be removed."""

    name: ClassVar[str] = "strided_slice"
    tflite_names: ClassVar[tuple[str, ...]] = (
        "REVERSE_V2", "SLICE", "SPLIT", "SPLIT_V", "STRIDED_SLICE", "UNPACK",
    )  # fmt: skip
    keras_names: ClassVar[tuple[str, ...]] = ("Cropping2D",)

    parts: tuple[Part, ...]
    """For each axis of the input: first cell, number of cells, and step."""
    dropped: tuple[int, ...] = ()
    """Axes with one cell that are removed from the output."""

    @classmethod
    def cropping(cls, shape: Shape, cropping: Sequence[tuple[int, int]]) -> StridedSlice:
        """Crops the given numbers of cells at the start and end of each axis."""
        ends = zip(shape, cropping, strict=True)
        return cls(tuple((before, size - before - behind, 1) for size, (before, behind) in ends))

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The numbers of cells, without the removed axes.

        Raises:
            ModelError: the input has another number of axes, or lacks a cell.
        """
        (shape,) = inputs
        fits = 1 <= len(shape) == len(self.parts) <= _AXES + 1 and all(
            count >= 1 and 0 <= first < size and 0 <= first + (count - 1) * step < size
            for size, (first, count, step) in zip(shape, self.parts, strict=True)
        )
        if not fits or any(self.parts[axis][1] != 1 for axis in self.dropped):
            raise ModelError(
                f"The slice {self.parts} (first, number, step) does not fit an input of shape "
                f"{shape}.",
                expected=f"Expected 1 to {_AXES} axes, with at least one cell of each.",
                hint="Export the model again with a fixed input shape.",
            )
        counts = [count for _, count, _ in self.parts]
        return tuple(count for axis, count in enumerate(counts) if axis not in self.dropped)

    def moved(self, x: Array) -> Array:
        """A view."""
        picks: list[int | slice] = [slice(None)]
        for axis, (first, count, step) in enumerate(self.parts):
            end = first + count * step
            picks.append(
                first if axis in self.dropped else slice(first, None if end < 0 else end, step)
            )
        found: Array = x[tuple(picks)]
        return found

    def inner(self) -> StridedSlice | None:
        """Itself, if the first axis has one cell and is not removed."""
        if self.parts[0] != (0, 1, 1) or 0 in self.dropped:
            return None
        return StridedSlice(self.parts[1:], tuple(axis - 1 for axis in self.dropped))

    @classmethod
    def read(cls, name: str, options: Any, operands: Operands) -> Moved:
        """Begins, ends (or sizes) and steps are constants.

        Raises:
            ModelError: they are not constant, or don't fit the input.
        """
        shape = operands.activations[0].shape
        constants = [constant.values.ravel().tolist() for constant in operands.constants]
        if isinstance(options, Piece):
            parts, dropped = options.parts(shape, constants)
            return _moved(cls(parts, dropped), shape)
        if name == "STRIDED_SLICE":
            found = strided_parts(options, constants, shape)
        else:
            read = reversed_parts if name == "REVERSE_V2" else slice_parts
            found = read(constants, shape)
        if found is None:
            raise ModelError(
                f"{name} {operands.output.name!r} takes the part "
                f"{constants or 'given by a tensor'} of {shape}.",
                expected="Expected constants that fit the input.",
                hint="Export the model again with a fixed input shape.",
            )
        op = cls(found.parts, found.dropped)
        return Moved(op, found.with_new_axes(op.infer_shape([shape])))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Rows, then columns."""
        (top, bottom), (left, right) = layer.config["cropping"]
        shape = builder.tensors[inputs[0]].shape
        op = cls.cropping(shape, ((top, bottom), (left, right), (0, 0)))
        return builder.add(op, inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """STRIDED_SLICE, all of the batch; version 2 has int8."""
        options = schema.StridedSliceOptionsT()
        options.beginMask = options.endMask = 1
        options.shrinkAxisMask = sum(2 << axis for axis in self.dropped)
        ends = [first + count * step for first, count, step in self.parts]
        # An end before the first cell would count from the end of the axis.
        options.endMask |= sum(2 << axis for axis, end in enumerate(ends) if end < 0)
        extra = tuple(
            np.array(values, np.int32)
            for values in (
                [0, *(first for first, _, _ in self.parts)],
                [0, *ends],
                [1, *(step for _, _, step in self.parts)],
            )
        )
        return TfliteOperator(
            "STRIDED_SLICE", "StridedSliceOptions", options, extra, version=version(operands, 2)
        )


def _moved(op: StridedSlice, shape: Shape) -> Moved:
    return Moved(op, op.infer_shape([shape]))
