"""PAD with the zero point. Input and output share one scale and zero point."""

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
from tinycomp.ops._quantized import parameters, require_tied
from tinycomp.ops._rows import rows
from tinycomp.ops._tflite import version

_AXES = 3


@dataclass(frozen=True)
class Pad(Operator):
    """Zero padding: cells before and after each axis (batch not counted)."""

    name: ClassVar[str] = "pad"
    moves: ClassVar[bool] = True
    tflite_names: ClassVar[tuple[str, ...]] = ("PAD",)
    keras_names: ClassVar[tuple[str, ...]] = ("ZeroPadding2D",)

    padding: tuple[tuple[int, int], ...]
    """Cells (before, after) for each axis."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """Each axis longer by its padding.

        Raises:
            ModelError: the padding has another number of axes or is negative.
        """
        (shape,) = inputs
        negative = any(before < 0 or after < 0 for before, after in self.padding)
        if not 1 <= len(shape) == len(self.padding) <= _AXES or negative:
            raise ModelError(
                f"The padding {self.padding} does not fit an input of shape {shape}.",
                expected=f"Expected a pair of cells, not negative, for each of 1 to {_AXES} axes.",
            )
        sizes = zip(shape, self.padding, strict=True)
        return tuple(before + size + after for size, (before, after) in sizes)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The input rows inside the padded ones."""
        height = rows(operands.inputs[0].shape)[0]
        top = self.padding[0][0] if len(self.padding) > 1 else 0
        return max(0, min(first - top, height - 1)), max(1, min(last - top, height))

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
        zero_point = parameters(operands.output).zero_point
        return np.pad(x, ((0, 0), *self.padding), constant_values=zero_point)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Zeros around the values."""
        from keras import ops

        return ops.pad(inputs[0], ((0, 0), *self.padding))

    def kernel(self, operands: Operands) -> KernelCall:
        """If channels are not padded, a row's cells are copied at once."""
        require_tied(self.name, operands)
        (shape,) = (tensor.shape for tensor in operands.activations)
        # One axis is one row; two axes are rows of one position.
        shape = (1, *shape) if len(shape) == 1 else shape
        padding = ((0, 0), *self.padding) if len(self.padding) == 1 else self.padding
        (top, _), *sides, (before, after) = padding
        left, right = sides[0] if sides else (0, 0)
        cells, cell = math.prod(shape[1:-1]), shape[-1]
        padded = before + cell + after
        if before == after == 0:
            cells, cell = 1, cells * cell
        item = operands.output.itemsize
        fields = {
            "top": top,
            "height": shape[0],
            "left": left * padded * item,
            "right": right * padded * item,
            "cells": cells,
            "cell": cell * item,
            "before": before * item,
            "after": after * item,
            "zero_point": parameters(operands.output).zero_point,
        }
        return KernelCall("pad", fields)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Pad:
        """The padding is a constant input, with the batch axis.

        Raises:
            ModelError: it is not constant, or pads the batch.
        """
        rows = [row for constant in operands.constants for row in constant.values]
        amounts = [(int(before), int(after)) for before, after in rows]
        if len(amounts) < 2 or amounts[0] != (0, 0):
            raise ModelError(
                f"{name} {operands.output.name!r} pads by {amounts or 'a tensor'}.",
                expected="Expected a constant that does not pad the first axis (batch).",
            )
        return cls(tuple(amounts[1:]))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Rows, then columns."""
        (top, bottom), (left, right) = layer.config["padding"]
        return builder.add(cls(((top, bottom), (left, right), (0, 0))), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """PAD; version 2 has int8."""
        extra = (np.array([(0, 0), *self.padding], np.int32),)
        return TfliteOperator(
            "PAD", "PadOptions", schema.PadOptionsT(), extra, version(operands, 2)
        )
