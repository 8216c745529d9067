"""Reductions over all positions of a tensor to one value per channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import Cost, KerasLayer, Operator, TfliteOperator
from tinycomp.ir.tensor import Operands, Shape
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class Reduction(Operator):
    """One value per channel from all positions: global pooling. Rows may arrive one by one; partial
    results stay in scratch.

    A subclass imports one builtin and implements `output_range`, `reference` and `kernel`.
    """

    phrase: ClassVar[str]
    """Name in error messages, "A mean"."""

    keep_dims: bool = False
    """Whether the reduced axes are kept, with length 1."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(channels,), or 1 on each axis but the last.

        Raises:
            ModelError: the input is not (height, width, channels) or (length, channels), or is
                empty.
        """
        (shape,) = inputs
        if len(shape) not in (2, 3) or math.prod(shape) == 0:
            raise ModelError(
                f"{self.phrase} over positions got an input of shape {shape}.",
                expected="Expected (height, width, channels) or (length, channels).",
            )
        return (*(1 for _ in shape[:-1]), shape[-1]) if self.keep_dims else shape[-1:]

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """Input rows are what the kernel counts."""
        return first, last

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Self:
        """Axes are a constant input.

        Raises:
            ModelError: they are not all positions of each channel, or not constant.
        """
        rank = len(operands.activations[0].shape) + 1
        axes = [int(axis) for constant in operands.constants for axis in constant.values.ravel()]
        if sorted({axis % rank for axis in axes}) != list(range(1, rank - 1)):
            raise ModelError(
                f"{name} {operands.output.name!r} reduces the axes {axes or 'given by a tensor'}.",
                expected="Expected all axes but the first (batch) and the last (channels).",
                hint="Use a global pooling layer.",
            )
        return cls(bool(options is not None and options.keepDims))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Global pooling, with or without keeping the reduced axes."""
        return builder.add(cls(bool(layer.config.get("keepdims", False))), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """Axes as a second input, counting the batch; version 2 has int8."""
        options = schema.ReducerOptionsT(self.keep_dims)
        axes = np.arange(1, len(operands.activations[0].shape), dtype=np.int32)
        (builtin,) = self.tflite_names
        return TfliteOperator(builtin, "ReducerOptions", options, (axes,), version(operands, 2))


def positions(operands: Operands) -> tuple[int, int, int]:
    """Rows, positions per row and channels of the input."""
    height, *width, channels = operands.activations[0].shape
    return height, math.prod(width), channels
