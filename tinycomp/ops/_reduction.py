"""Reductions over axes: one value from all cells along them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

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

_RANKS = (2, 3)
"""Axes of an input of which every one but the last is reduced by default."""


@dataclass(frozen=True)
class AxesOperator(Operator):
    """One value from all cells along some axes.

    A subclass implements `output_range`, `reference`, `kernel` and `differentiable`.
    """

    phrase: ClassVar[str]
    """Name in error messages, "A mean"."""

    keep_dims: bool = False
    """Whether the reduced axes are kept, with length 1."""
    axes: tuple[int, ...] | None = None
    """The reduced axes, ascending (batch not counted); None: all but the last (global pooling)."""

    @classmethod
    def over(cls, axes: Sequence[int], rank: int, keep_dims: bool = False) -> Self:
        """The reduction of an input of that rank; its axes are None where that says the same."""
        found = tuple(sorted(axes))
        usual = rank in _RANKS and found == tuple(range(rank - 1))
        return cls(keep_dims, None if usual else found)

    def reduced(self, rank: int) -> tuple[int, ...]:
        """The reduced axes."""
        return tuple(range(rank - 1)) if self.axes is None else self.axes

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's, without the reduced axes, or with 1 there.

        Raises:
            ModelError: the input is empty, or has no such axes.
        """
        (shape,) = inputs
        if (self.axes is None and len(shape) not in _RANKS) or math.prod(shape) == 0:
            raise ModelError(
                f"{self.phrase} over positions got an input of shape {shape}.",
                expected="Expected (height, width, channels) or (length, channels).",
            )
        gone = self.reduced(len(shape))
        if not gone or not set(gone) <= set(range(len(shape))):
            raise ModelError(
                f"{self.phrase} over the axes {gone} got an input of shape {shape}.",
                expected="Expected one of its axes at least.",
            )
        if self.keep_dims:
            return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
        return tuple(size for axis, size in enumerate(shape) if axis not in gone) or (1,)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Self:
        """Axes are a constant input; they count no batch here.

        Raises:
            ModelError: they are not constant.
        """
        return cls.over(
            constant_axes(name, operands), len(operands.activations[0].shape), kept(options)
        )


@dataclass(frozen=True)
class Reduction(AxesOperator):
    """A value that no cell can lower by growing. If rows are reduced, they may arrive one by one;
    partial results stay in scratch.
    """

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """Where rows are reduced, the kernel counts input rows; else the same rows, or all of them
        for an output that is one row.
        """
        source, output = operands.inputs[0].shape, operands.output.shape
        same = rows(source)[0] == rows(output)[0]
        return (first, last) if 0 in self.reduced(len(source)) or same else (0, rows(source)[0])

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Global pooling, with or without keeping the reduced axes."""
        return builder.add(cls(bool(layer.config.get("keepdims", False))), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator | tuple[TfliteOperator, ...]:
        """Axes as a second input, counting the batch; version 2 has int8. If no axis is left, a
        reshape gives the value one.
        """
        rank = len(operands.activations[0].shape)
        gone = self.reduced(rank)
        one = len(gone) == rank and not self.keep_dims
        options = schema.ReducerOptionsT(self.keep_dims or one)
        (builtin,) = self.tflite_names
        reduce = TfliteOperator(
            builtin,
            "ReducerOptions",
            options,
            (np.array(gone, np.int32) + 1,),
            version(operands, 2),
            quantization=operands.output.quantization,
            shape=(1,) * rank,
        )
        if not one:
            return reduce
        reshape = schema.ReshapeOptionsT()
        reshape.newShape = [-1, 1]
        last = TfliteOperator(
            "RESHAPE", "ReshapeOptions", reshape, extra=(np.array([-1, 1], np.int32),)
        )
        return reduce, last


def constant_axes(name: str, operands: Operands) -> tuple[int, ...]:
    """The axes that a constant names, from 0, ascending.

    Raises:
        ModelError: they are not constant, or the input does not have them.
    """
    rank = len(operands.activations[0].shape)
    axes = [int(axis) for constant in operands.constants for axis in constant.values.ravel()]
    if not axes or any(not -rank <= axis < rank for axis in axes):
        raise ModelError(
            f"{name} {operands.output.name!r} reduces the axes {axes or 'given by a tensor'}.",
            expected="Expected constant axes of its input.",
            hint="Convert the model with fixed axes.",
        )
    return tuple(sorted({axis % rank for axis in axes}))


def kept(options: Any) -> bool:
    """Whether an option table keeps the reduced axes."""
    return bool(getattr(options, "keepDims", False))


def first_axes(axes: Sequence[int], rank: int) -> tuple[int, ...] | None:
    """The order in which the reduced axes come first; None where kernels take them as they are:
    the first axes, or some next to each other.
    """
    if list(axes) == list(range(axes[0], axes[-1] + 1)):
        return None
    return (*axes, *(axis for axis in range(rank) if axis not in axes))


def positions(operands: Operands, op: AxesOperator) -> tuple[int, int, int]:
    """If the first axes are reduced: rows, cells per row and values that are left; the shape of the
    input as kernels see it.
    """
    shape = operands.activations[0].shape
    count = len(op.reduced(len(shape)))
    height = rows(shape)[0]
    return height, math.prod(shape[:count]) // height, math.prod(shape[count:])


def within_rows(operands: Operands, op: AxesOperator) -> dict[str, int] | None:
    """The first members of the kernel `reduce_rows`; None if rows are reduced too.

    Raises:
        ModelError: the reduced axes are neither the first nor next to each other.
    """
    shape = operands.activations[0].shape
    axes = op.reduced(len(shape))
    if first_axes(axes, len(shape)) is not None:
        raise ModelError(
            f"{operands.output.name!r} ({op.name}) reduces the axes {axes} of {shape}.",
            expected="Expected axes next to each other.",
            hint="Bring them to the front by a transposition.",
        )
    if axes[0] == 0:
        return None
    height = rows(shape)[0]
    return {
        "together": 1 if height == rows(operands.output.shape)[0] else height,
        "outer": math.prod(shape[1 : axes[0]]),
        "count": math.prod(shape[axes[0] : axes[-1] + 1]),
        "inner": math.prod(shape[axes[-1] + 1 :]),
    }


@dataclass(frozen=True)
class ExtremeReduction(Reduction):
    """A maximum or a minimum."""

    largest: ClassVar[bool]
    """Which."""

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's."""
        return OutputRange(tied=True)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Of the stored values."""
        (x,) = inputs
        require_tied(self.name, operands)
        axes = tuple(1 + axis for axis in self.reduced(x.ndim - 1))
        found: Array = x.max(axis=axes) if self.largest else x.min(axis=axes)
        return found.reshape(len(x), *operands.output.shape)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Of the real values."""
        from keras import ops

        axes = tuple(1 + axis for axis in self.reduced(len(operands.inputs[0].shape)))
        found = (ops.max if self.largest else ops.min)(inputs[0], axis=axes)
        return ops.reshape(found, (-1, *operands.output.shape))

    def kernel(self, operands: Operands) -> KernelCall:
        """Extrema in scratch, or one after the other where each row has its own."""
        require_tied(self.name, operands)
        inside = within_rows(operands, self)
        if inside is not None:
            return KernelCall("extreme_rows", {**inside, "largest": int(self.largest)})
        height, width, channels = positions(operands, self)
        fields = {"height": height, "width": width, "channels": channels}
        kernel = "reduce_max" if self.largest else "reduce_min"
        return KernelCall(kernel, fields, scratch=channels, input_rows=True)
