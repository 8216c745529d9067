"""STRIDED_SLICE without strides: cells cut off from the ends of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._rows import rows
from tinycomp.ops._tflite import version

_AXES = 3


@dataclass(frozen=True)
class Crop(Operator):
    """Each axis without its first and last cells (batch not counted)."""

    name: ClassVar[str] = "crop"
    tflite_names: ClassVar[tuple[str, ...]] = ("SLICE", "STRIDED_SLICE")
    keras_names: ClassVar[tuple[str, ...]] = ("Cropping2D",)

    cropping: tuple[tuple[int, int], ...]
    """Cells cut off before and behind, for each axis."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """Each axis shorter by what is cut off.

        Raises:
            ModelError: there is another number of axes, or nothing would be left.
        """
        (shape,) = inputs
        fits = 1 <= len(shape) == len(self.cropping) <= _AXES
        sizes = [size - sum(ends) for size, ends in zip(shape, self.cropping, strict=False)]
        if not fits or min(sizes) < 1 or min(map(min, self.cropping)) < 0:
            raise ModelError(
                f"The cropping {self.cropping} does not fit an input of shape {shape}.",
                expected=f"Expected a pair of cells, not negative, for each of 1 to {_AXES} axes, "
                "which leave one cell at least.",
            )
        return tuple(sizes)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows, further down."""
        top = self._three_axes(operands.inputs[0].shape)[1][0][0]
        return first + top, last + top

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Copies."""
        (x,) = inputs
        require_tied(self.name, operands)
        inner = tuple(
            slice(before, size - behind)
            for size, (before, behind) in zip(x.shape[1:], self.cropping, strict=True)
        )
        return x[(slice(None), *inner)]

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """A part of the values."""
        sizes = zip(operands.inputs[0].shape, self.cropping, strict=True)
        inner = (slice(before, size - behind) for size, (before, behind) in sizes)
        return inputs[0][(slice(None), *inner)]

    def kernel(self, operands: Operands) -> KernelCall:
        """Where channels are not cropped, a row is copied as one."""
        require_tied(self.name, operands)
        (_, width, channels), (rows_cut, columns, ends) = self._three_axes(operands.inputs[0].shape)
        cells, cell = width - sum(columns), channels - sum(ends)
        first = columns[0] * channels + ends[0]
        if ends == (0, 0):
            cells, cell, channels = 1, cells * cell, cells * cell
        fields = {"top": rows_cut[0], "first": first, "cells": cells, "cell": cell,
                  "step": channels}  # fmt: skip
        return KernelCall("crop", fields)

    def _three_axes(self, shape: Shape) -> tuple[tuple[int, int, int], tuple[tuple[int, int], ...]]:
        """The input's shape and the cropping with axes of 1 put in, as kernels see rows."""
        height, _ = rows(shape)
        cropping = self.cropping if len(shape) > 1 else ((0, 0), *self.cropping)
        inner = cropping[1:-1] or ((0, 0),)
        width = math.prod(shape[1:-1])
        return (height, width, shape[-1]), (cropping[0], *inner, cropping[-1])

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Crop:
        """Begins and ends (or sizes) are constants, with the batch axis.

        Raises:
            ModelError: they are not constant, have strides, take axes away or cut the batch.
        """
        shape = (1, *operands.activations[0].shape)
        constants = [constant.values.ravel().tolist() for constant in operands.constants]
        spans = _spans(name == "STRIDED_SLICE", options, constants, shape)
        if spans is None or spans[0] != (0, 1) or any(last <= first for first, last in spans):
            raise ModelError(
                f"{name} {operands.output.name!r} takes the part {constants or 'given by a tensor'}"
                f" of {shape[1:]}.",
                expected="Expected constants, without strides, that keep all axes.",
            )
        sizes = zip(spans, shape, strict=True)
        return cls(tuple((first, size - last) for (first, last), size in sizes)[1:])

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Rows, then columns."""
        (top, bottom), (left, right) = layer.config["cropping"]
        return builder.add(cls(((top, bottom), (left, right), (0, 0))), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """STRIDED_SLICE, all of the batch; version 2 has int8."""
        options = schema.StridedSliceOptionsT()
        options.beginMask = options.endMask = 1
        sizes = zip(operands.inputs[0].shape, self.cropping, strict=True)
        begin = [0, *(before for before, _ in self.cropping)]
        end = [0, *(size - behind for size, (_, behind) in sizes)]
        extra = tuple(np.array(values, np.int32) for values in (begin, end, [1] * len(begin)))
        return TfliteOperator(
            "STRIDED_SLICE", "StridedSliceOptions", options, extra, version=version(operands, 2)
        )


def _spans(
    strided: bool, options: Any, constants: Sequence[Sequence[int]], shape: Shape
) -> list[tuple[int, int]] | None:
    """First and last (exclusive) of each axis; None where the constants say something else."""
    if len(constants) != 2 + strided or any(len(each) != len(shape) for each in constants):
        return None
    begins, ends = constants[:2]
    if not strided:
        inside = all(0 <= first < size for first, size in zip(begins, shape, strict=True))
        lasts = [
            size if count == -1 else first + count
            for first, count, size in zip(begins, ends, shape, strict=True)
        ]
        fits = all(last <= size for last, size in zip(lasts, shape, strict=True))
        return list(zip(begins, lasts, strict=True)) if inside and fits else None
    if options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask or options.offset:
        return None
    if any(step != 1 for step in constants[2]):
        return None
    return [
        slice(
            None if options.beginMask >> axis & 1 else first,
            None if options.endMask >> axis & 1 else last,
        ).indices(size)[:2]
        for axis, (first, last, size) in enumerate(zip(begins, ends, shape, strict=True))
    ]
