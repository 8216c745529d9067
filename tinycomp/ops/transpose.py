"""TRANSPOSE: permutes axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._move import Move, Moved
from tinycomp.ops._tflite import version

_AXES = 5
"""The most axes, without the batch, that LiteRT transposes."""


@dataclass(frozen=True)
class Transpose(Move):
    """Output axis i is the input's axis order[i] (without the batch)."""

    name: ClassVar[str] = "transpose"
    tflite_names: ClassVar[tuple[str, ...]] = ("TRANSPOSE",)

    order: tuple[int, ...]
    """The input's axes in the output's order."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's shape, permuted.

        Raises:
            ModelError: the order is not one of the input's axes.
        """
        (shape,) = inputs
        if sorted(self.order) != list(range(len(shape))) or len(shape) > _AXES + 1:
            raise ModelError(
                f"The order of axes {self.order} does not fit an input of shape {shape}.",
                expected=f"Expected each of its axes once, and at most {_AXES} axes.",
            )
        return tuple(shape[axis] for axis in self.order)

    def moved(self, x: Array) -> Array:
        """A view."""
        return x.transpose(0, *(1 + axis for axis in self.order))

    def inner(self) -> Transpose | None:
        """Itself, if the first axis stays first."""
        if self.order[0] != 0:
            return None
        return Transpose(tuple(axis - 1 for axis in self.order[1:]))

    @classmethod
    def read(cls, name: str, options: Any, operands: Operands) -> Moved:
        """The order is a constant.

        Raises:
            ModelError: it is not constant, or not an order of the input's axes.
        """
        shape = operands.activations[0].shape
        axes = [int(axis) for each in operands.constants for axis in each.values.ravel()]
        op = cls(tuple(axis % len(shape) for axis in axes))
        return Moved(op, op.infer_shape([shape]))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """TRANSPOSE; version 2 has int8."""
        order = np.array([0, *(1 + axis for axis in self.order)], np.int32)
        options = schema.TransposeOptionsT()
        return TfliteOperator(
            "TRANSPOSE", "TransposeOptions", options, (order,), version(operands, 2)
        )
