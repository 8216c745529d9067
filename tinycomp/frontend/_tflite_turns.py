"""Evaluates the subgraph of a loop to expressions, operator by operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinycomp.frontend._tflite_expressions import (
    Applied,
    Atom,
    Count,
    Linear,
    NoLayerError,
    Piece,
    Product,
    Row,
    Slot,
    Stored,
    linear,
)
from tinycomp.frontend._tflite_file import FileOperator, TfliteFile
from tinycomp.ir.tensor import Array


@dataclass
class Turn:
    """Evaluates a subgraph of a loop."""

    body: TfliteFile
    """The subgraph, all constants in float32."""
    values: dict[int, Any] = field(default_factory=dict)
    """By tensor."""

    def outputs(self) -> list[Any]:
        """The values of the subgraph's outputs.

        Raises:
            NoLayerError: there is an operator that no recurrent layer has.
        """
        for number, index in enumerate(self.body.inputs):
            table = self.body.tensors[index]
            whole = table.dtype not in ("int32", "int64") or len(table.shape) > 0
            self.values[index] = Slot(number) if whole else Count(number)
        for operator in self.body.operators:
            read = _CUSTOM.get(operator.custom) if operator.custom else _READ.get(operator.builtin)
            if read is None:
                raise NoLayerError(operator.builtin)
            found = read(self, operator)
            for index, value in zip(operator.outputs, found, strict=True):
                self.values[index] = value
        return [self.value(index) for index in self.body.outputs]

    def value(self, index: int) -> Any:
        """What a tensor is."""
        if index in self.values:
            return self.values[index]
        values = self.body.tensors[index].values if index >= 0 else None
        if values is None:
            raise NoLayerError("absent")
        return values

    def vector(self, index: int) -> Linear:
        """A tensor as a vector."""
        value = self.value(index)
        if isinstance(value, Linear):
            return value
        if isinstance(value, Slot):
            size = self.body.tensors[self.body.inputs[value.number]].shape
            if len(size) != 2 or size[0] != 1:
                raise NoLayerError("state")
            return linear(value, size[1])
        raise NoLayerError("vector")

    def shape(self, index: int) -> tuple[int, ...]:
        """A tensor's shape."""
        return self.body.tensors[index].shape


def _activated(builtin: str, of: Linear) -> Linear:
    return linear(Applied(builtin, of), of.size)


def _fused(operator: FileOperator, found: Linear) -> list[Linear]:
    code = getattr(operator.options, "fusedActivationFunction", 0)
    kind = {0: None, 1: "RELU", 3: "RELU6", 4: "TANH"}.get(code, "")
    if kind == "":
        raise NoLayerError("activation")
    return [found if kind is None else _activated(kind, found)]


def _dense(turn: Turn, operator: FileOperator) -> list[Linear]:
    source, weights = turn.vector(operator.inputs[0]), turn.value(operator.inputs[1])
    if not isinstance(weights, np.ndarray) or weights.ndim != 2:
        raise NoLayerError("weights")
    bias = operator.inputs[2] if len(operator.inputs) > 2 else -1
    offset = weights @ source.offset
    if bias >= 0:
        offset = offset + np.asarray(turn.value(bias)).ravel()
    parts = {atom: weights @ matrix for atom, matrix in source.parts.items()}
    return _fused(operator, Linear(parts, offset))


def _sum(turn: Turn, operator: FileOperator) -> list[Any]:
    sign = -1 if operator.builtin == "SUB" else 1
    first, second = (turn.value(index) for index in operator.inputs)
    if isinstance(first, Count) or isinstance(second, Count):
        count, number = (first, second) if isinstance(first, Count) else (second, first)
        if sign < 0 or not isinstance(number, np.ndarray) or number.size != 1:
            raise NoLayerError("counter")
        return [Count(count.slot, count.plus + int(number.ravel()[0]))]
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return [first + sign * second]
    vectors = [_or_constant(turn, index) for index in operator.inputs]
    size = max(each.size for each in vectors if isinstance(each, Linear))
    total: dict[Atom, Array] = {}
    offset = np.zeros(size, np.float32)
    for factor, each in zip((1, sign), vectors, strict=True):
        if isinstance(each, Linear):
            for atom, matrix in each.parts.items():
                total[atom] = total.get(atom, 0) + factor * matrix
        offset = offset + factor * (each.offset if isinstance(each, Linear) else each)
    return _fused(operator, Linear(total, offset))


def _or_constant(turn: Turn, index: int) -> Linear | Array:
    value = turn.value(index)
    return value.ravel() if isinstance(value, np.ndarray) else turn.vector(index)


def _product(turn: Turn, operator: FileOperator) -> list[Any]:
    first, second = (_or_constant(turn, index) for index in operator.inputs)
    if isinstance(first, Linear) and isinstance(second, Linear):
        return _fused(operator, linear(Product((first, second)), first.size))
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return [first * second]
    vector, factor = (first, second) if isinstance(first, Linear) else (second, first)
    assert isinstance(vector, Linear)
    by = np.broadcast_to(np.asarray(factor), (vector.size,))
    parts = {atom: by[:, None] * matrix for atom, matrix in vector.parts.items()}
    return _fused(operator, Linear(parts, by * vector.offset))


def _function(turn: Turn, operator: FileOperator) -> list[Linear]:
    return [_activated(operator.builtin, turn.vector(operator.inputs[0]))]


def _bounded(turn: Turn, operator: FileOperator) -> list[Linear]:
    """The smaller of a vector and 1, then the larger one of that and 0, as in hard sigmoids."""
    vector, bound = (_or_constant(turn, index) for index in operator.inputs)
    if not isinstance(vector, Linear) or isinstance(bound, Linear) or bound.size != 1:
        raise NoLayerError("bound")
    atom, number = vector.atom, float(bound.ravel()[0])
    if operator.builtin == "MINIMUM" and number == 1:
        return [_activated("MINIMUM", vector)]
    if operator.builtin == "MINIMUM" or number != 0:
        raise NoLayerError("bound")
    if isinstance(atom, Applied) and atom.builtin == "MINIMUM":
        return [_activated("RELU_0_TO_1", atom.of)]
    return [_activated("RELU", vector)]


def _split(turn: Turn, operator: FileOperator) -> list[Linear]:
    source = turn.vector(operator.inputs[1 if operator.builtin == "SPLIT" else 0])
    sizes = [turn.shape(index)[-1] for index in operator.outputs]
    if sum(sizes) != source.size:
        raise NoLayerError("split")
    ends = np.cumsum(sizes)
    return [_rows(source, slice(end - size, end)) for size, end in zip(sizes, ends, strict=True)]


def _rows(source: Linear, rows: slice) -> Linear:
    parts = {atom: matrix[rows] for atom, matrix in source.parts.items()}
    return Linear({atom: each for atom, each in parts.items() if each.any()}, source.offset[rows])


def _strided(turn: Turn, operator: FileOperator) -> list[Linear]:
    """Values of a vector, from one on to another one."""
    source = turn.vector(operator.inputs[0])
    begin, end, strides = (np.ravel(turn.value(index)) for index in operator.inputs[1:4])
    options = operator.options
    masks = options.newAxisMask, options.ellipsisMask, options.shrinkAxisMask
    if any(masks) or len(begin) != 2 or any(each != 1 for each in strides):
        raise NoLayerError("slice")
    first = None if options.beginMask & 2 else int(begin[1])
    last = None if options.endMask & 2 else int(end[1])
    return [_rows(source, slice(first, last))]


def _row(turn: Turn, operator: FileOperator) -> list[Linear]:
    rows, counter = (turn.value(index) for index in operator.inputs)
    axis = getattr(operator.options, "axis", 0)
    if not isinstance(rows, Slot) or not isinstance(counter, Count) or counter.plus or axis:
        raise NoLayerError("gather")
    size = turn.shape(operator.inputs[0])
    if len(size) != 3 or size[1] != 1:
        raise NoLayerError("rows")
    return [linear(Row(rows.number, counter.slot), size[2])]


def _same(turn: Turn, operator: FileOperator) -> list[Any]:
    """A tensor in another shape or type."""
    return [turn.value(operator.inputs[0])]


def _shape_of(turn: Turn, operator: FileOperator) -> list[Array]:
    return [np.array([1, turn.vector(operator.inputs[0]).size], np.int32)]


def _filled(turn: Turn, operator: FileOperator) -> list[Array]:
    shape, number = (turn.value(index) for index in operator.inputs)
    return [np.full(np.ravel(shape), np.ravel(number)[0])]


def _unpacked(turn: Turn, operator: FileOperator) -> list[Array]:
    values = turn.value(operator.inputs[0])
    if not isinstance(values, np.ndarray):
        raise NoLayerError("unpack")
    return list(np.moveaxis(values, operator.options.axis, 0))


def _piece(turn: Turn, operator: FileOperator) -> list[Any]:
    """SLICE: of a vector, or of the rows of a list."""
    source, begin, size = (turn.value(index) for index in operator.inputs)
    first, count = map(_numbers, (begin, size))
    if isinstance(source, Slot):
        return [Piece(source.number, first[0], count[0])]
    vector = turn.vector(operator.inputs[0])
    start, length = int(first[-1]), int(count[-1])
    return [_rows(vector, slice(start, None if length < 0 else start + length))]


def _numbers(value: Any) -> list[Any]:
    """Integers, known or counted, one by one."""
    if isinstance(value, Count):
        return [value]
    return value if isinstance(value, list) else [int(each) for each in np.ravel(value)]


def _joined(turn: Turn, operator: FileOperator) -> list[Any]:
    """CONCATENATION: of integers, or of a list's rows around a new one."""
    values = [turn.value(index) for index in operator.inputs]
    if any(isinstance(each, Count) for each in values):
        return [
            [y for each in values for y in ([each] if isinstance(each, Count) else np.ravel(each))]
        ]
    if len(values) != 3 or not isinstance(values[0], Piece) or not isinstance(values[2], Piece):
        raise NoLayerError("concatenation")
    before, item, after = values[0], turn.vector(operator.inputs[1]), values[2]
    place = before.count
    if not isinstance(place, Count) or before.first != 0 or before.slot != after.slot:
        raise NoLayerError("list")
    if after.first != Count(place.slot, place.plus + 1) or after.count != -1:
        raise NoLayerError("list")
    return [Stored(before.slot, place, item)]


def _stored(turn: Turn, operator: FileOperator) -> list[Stored]:
    rows, place = (turn.value(index) for index in operator.inputs[:2])
    if not isinstance(rows, Slot):
        raise NoLayerError("list")
    number = place if isinstance(place, Count) else int(np.ravel(place)[0])
    return [Stored(rows.number, number, turn.vector(operator.inputs[2]))]


_READ: Mapping[str, Callable[[Turn, FileOperator], Sequence[Any]]] = {
    "ADD": _sum,
    "CAST": _same,
    "CONCATENATION": _joined,
    "EXPAND_DIMS": _same,
    "FILL": _filled,
    "FULLY_CONNECTED": _dense,
    "GATHER": _row,
    "LOGISTIC": _function,
    "MAXIMUM": _bounded,
    "MINIMUM": _bounded,
    "MUL": _product,
    "RELU": _function,
    "RELU6": _function,
    "RELU_0_TO_1": _function,
    "RESHAPE": _same,
    "SHAPE": _shape_of,
    "SLICE": _piece,
    "SPLIT": _split,
    "SPLIT_V": _split,
    "SQUEEZE": _same,
    "STRIDED_SLICE": _strided,
    "SUB": _sum,
    "TANH": _function,
    "UNPACK": _unpacked,
}
"""By builtin, the values of an operator's outputs."""
_CUSTOM: Mapping[str, Callable[[Turn, FileOperator], Sequence[Any]]] = {
    "FlexTensorListSetItem": _stored,
    "TensorListSetItem": _stored,
}
