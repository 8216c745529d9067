"""GATHER with constant indices: cells of one axis in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Constant, Operands, Shape, Tensor
from tinycomp.ops._move import Move, Moved
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class Gather(Move):
    """Selects cells along an axis (without the batch)."""

    name: ClassVar[str] = "gather"
    tflite_names: ClassVar[tuple[str, ...]] = ("GATHER",)

    indices: tuple[int, ...]
    """Indices of the cells, in the order of the output."""
    axis: int
    """Axis of the input."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's shape with the number of indices as the length of the axis.

        Raises:
            ModelError: there is no such axis or cell.
        """
        (shape,) = inputs
        inside = 0 <= self.axis < len(shape) and self.indices
        if not inside or not all(0 <= each < shape[self.axis] for each in self.indices):
            raise ModelError(
                f"The indices {self.indices} do not fit axis {self.axis} of an input of shape "
                f"{shape}.",
                expected="Expected indices from 0 that are less than the length of the axis.",
            )
        return (*shape[: self.axis], len(self.indices), *shape[self.axis + 1 :])

    def moved(self, x: Array) -> Array:
        """The selected cells."""
        return np.take(x, self.indices, axis=1 + self.axis)

    def inner(self) -> Gather | None:
        """Itself, if the axis is not the first one."""
        return Gather(self.indices, self.axis - 1) if self.axis > 0 else None

    @classmethod
    def read(cls, name: str, options: Any, operands: Operands) -> Moved:
        """The indices are a constant of any shape, which replaces the axis in the output's shape.

        Raises:
            ModelError: they are not constant, or the values are.
        """
        source, indices = operands.inputs
        axis, batches = (0, 0) if options is None else (options.axis, options.batchDims)
        if not isinstance(source, Tensor) or not isinstance(indices, Constant) or batches:
            raise ModelError(
                f"{operands.output.name!r} (GATHER) looks up cells of {source.name!r} by "
                f"{indices.name!r}, with {batches} batch axes.",
                expected="Expected a computed tensor, constant indices and no batch axes; "
                "or a table of 256 "
                "int8 values, and indices made of an int8 tensor by CAST and ADD.",
                hint="Look indices up outside the model, and pass the values in.",
            )
        values = indices.values
        op = cls(tuple(int(each) for each in values.ravel()), axis % len(source.shape))
        op.infer_shape([source.shape])
        return Moved(op, (*source.shape[: op.axis], *values.shape, *source.shape[op.axis + 1 :]))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """GATHER; version 2 has int8."""
        options = schema.GatherOptionsT()
        options.axis = 1 + self.axis
        extra = (np.array(self.indices, np.int32),)
        return TfliteOperator(
            "GATHER", "GatherOptions", options, extra, version=version(operands, 2)
        )
