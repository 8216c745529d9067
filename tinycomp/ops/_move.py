"""Base class of operators that only rearrange values: every output value is a copy of an input
value.

A subclass defines the rearrangement by one NumPy expression, from which the kernel's loops, the
required input rows and the form for training are derived.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._rows import rows, same_rows

Pairs = NDArray[np.int64]
"""Shape (count, 2): input row, and byte within the row."""


class Moved(NamedTuple):
    """A rearranging operator of a .tflite, over all axes of its tensors, including the batch."""

    op: Move
    """The operator, over all axes of the input."""
    shape: Shape
    """Shape of the output in the file, which may be a reshape of the operator's output."""


@dataclass(frozen=True)
class Move(Operator):
    """Subclasses implement `infer_shape`, `moved`, `inner`, `read` and `to_tflite`."""

    moves: ClassVar[bool] = True

    @abstractmethod
    def moved(self, x: Array) -> Array:
        """The output for an array of any type; the first axis is the batch."""

    @abstractmethod
    def inner(self) -> Self | None:
        """The operator without the input's first axis; None if it changes that axis."""

    @classmethod
    @abstractmethod
    def read(cls, name: str, options: Any, operands: Operands) -> Moved:
        """The operator of a builtin; the operands' shapes include the batch axis.

        Raises:
            ModelError: the options or constants don't fit the input.
        """

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The range of input rows that values come from."""
        shape = operands.inputs[0].shape
        if in_order(self, shape):
            return same_rows(self, operands, index, first, last)
        low, high = source_rows(self, shape)
        return int(low[first:last].min()), int(high[first:last].max()) + 1

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's range."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Copies of the input's values."""
        require_tied(self.name, operands)
        return np.ascontiguousarray(self.moved(inputs[0]))

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Gathers the values by their flat indices."""
        from keras import ops

        source = operands.inputs[0].shape
        flat = ops.reshape(inputs[0], (-1, math.prod(source)))
        picked = ops.take(flat, sources(self, source).ravel().astype(np.int32), axis=1)
        return ops.reshape(picked, (-1, *operands.output.shape))

    def kernel(self, operands: Operands) -> KernelCall | None:
        """Runs of equally spaced cells, and tables of irregular starts. None if no value changes
        its address.
        """
        require_tied(self.name, operands)
        shape = operands.inputs[0].shape
        if in_order(self, shape):
            return None
        return KernelCall("move", _in_bytes(_fields(self, shape), operands.output.itemsize))

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Move:
        """The operator; the operands' shapes include the batch axis."""
        return cls.read(name, options, operands).op


@lru_cache(maxsize=256)
def sources(op: Move, shape: Shape) -> NDArray[np.int64]:
    """The flat input index of each output value."""
    numbers = np.arange(math.prod(shape), dtype=np.int64).reshape(1, *shape)
    return np.ascontiguousarray(op.moved(numbers)[0])


@lru_cache(maxsize=256)
def in_order(op: Move, shape: Shape) -> bool:
    """Whether the output has the same bytes as the input."""
    found = sources(op, shape)
    return bool(np.array_equal(found.ravel(), np.arange(math.prod(shape))))


@lru_cache(maxsize=256)
def source_rows(op: Move, shape: Shape) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last input row that each output row takes values from."""
    found = sources(op, shape)
    by_row = found.reshape(rows(found.shape)) // rows(shape)[1]
    return by_row.min(axis=1), by_row.max(axis=1)


def _in_bytes(fields: Mapping[str, int | Array], item: int) -> dict[str, int | Array]:
    """The members of the kernel's struct for values of `item` bytes."""
    along = ("cell", "right", "run_right", "row_right")
    starts = ("run_starts", "row_starts")
    columns = np.array([1, item], np.int32)
    scaled = {name: fields[name] * item for name in along}
    pairs = {name: (np.reshape(fields[name], (-1, 2)) * columns).ravel() for name in starts}
    return {name: {**scaled, **pairs}.get(name, value) for name, value in fields.items()}


def _fields(op: Move, shape: Shape) -> dict[str, int | Array]:
    """The members of the kernel's struct for values of one byte."""
    found = sources(op, shape)
    places = np.stack(np.divmod(found.reshape(rows(found.shape)), rows(shape)[1]), axis=-1)
    row_starts, within = places[:, 0], places[0] - places[0, 0]
    # Axes are rearranged independently, so all output rows have the same structure.
    assert (places - row_starts[:, np.newaxis] == within).all()
    cell, heads = _equal_steps(within, np.array([0, 1]))
    step = heads[1] - heads[0] if len(heads) > 1 else np.zeros(2, np.int64)
    count, run_starts = _equal_steps(heads, step)
    runs = len(run_starts)
    run_starts, run_step = _period(run_starts)
    row_starts, row_step = _period(row_starts)
    return {
        "cell": cell,
        "count": count,
        "runs": runs,
        "down": int(step[0]),
        "right": int(step[1]),
        "run_period": len(run_starts),
        "row_period": len(row_starts),
        "run_down": int(run_step[0]),
        "run_right": int(run_step[1]),
        "row_down": int(row_step[0]),
        "row_right": int(row_step[1]),
        "run_starts": run_starts.astype(np.int32).ravel(),
        "row_starts": row_starts.astype(np.int32).ravel(),
    }


def _equal_steps(places: Pairs, step: Pairs) -> tuple[int, Pairs]:
    """The length of groups of equally spaced positions, and the first position of each group."""
    breaks = np.flatnonzero((np.diff(places, axis=0) != step).any(axis=1)) + 1
    length = math.gcd(len(places), *map(int, breaks))
    return length, places[::length]


def _period(places: Pairs) -> tuple[Pairs, Pairs]:
    """The shortest prefix that repeats with an offset, and that offset."""
    for length in range(1, len(places)):
        step = places[length] - places[0]
        if (places[length:] - places[:-length] == step).all():
            return places[:length], step
    return places, np.zeros(2, np.int64)
