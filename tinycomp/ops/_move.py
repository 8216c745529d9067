"""Operators that only move values: every output value is one of the input's.

A subclass says where values go by one NumPy expression. The loops of the kernel, the rows that are
needed and the form for training are computed from it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._rows import rows, same_rows

Pairs = NDArray[np.int64]
"""(count, 2): rows of the input, and bytes within a row."""


class Moved(NamedTuple):
    """A mover of a .tflite, over all axes of its tensors, the batch included."""

    op: Move
    """Over all axes of the input."""
    shape: Shape
    """Of the output, which may be the operator's in another form."""


@dataclass(frozen=True)
class Move(Operator):
    """A subclass implements `infer_shape`, `moved`, `inner`, `read` and `to_tflite`."""

    @abstractmethod
    def moved(self, x: Array) -> Array:
        """The output of an array of any type whose first axis counts samples."""

    @abstractmethod
    def inner(self) -> Self | None:
        """The operator without the input's first axis; None if that axis is not merely kept."""

    @classmethod
    @abstractmethod
    def read(cls, name: str, options: Any, operands: Operands) -> Moved:
        """The operator of a builtin whose operands' shapes have the batch axis.

        Raises:
            ModelError: the options or constants don't fit the input.
        """

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """From the first to the last row that a value comes from."""
        shape = operands.inputs[0].shape
        if in_order(self, shape):
            return same_rows(self, operands, index, first, last)
        low, high = source_rows(self, shape)
        return int(low[first:last].min()), int(high[first:last].max()) + 1

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Copies."""
        require_tied(self.name, operands)
        return np.ascontiguousarray(self.moved(inputs[0]))

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The values picked by their flat indices."""
        from keras import ops

        source = operands.inputs[0].shape
        flat = ops.reshape(inputs[0], (-1, math.prod(source)))
        picked = ops.take(flat, sources(self, source).ravel().astype(np.int32), axis=1)
        return ops.reshape(picked, (-1, *operands.output.shape))

    def kernel(self, operands: Operands) -> KernelCall | None:
        """Runs of equally spaced cells; what does not repeat is a table. None where only axes of
        length 1 move.
        """
        require_tied(self.name, operands)
        shape = operands.inputs[0].shape
        return None if in_order(self, shape) else KernelCall("move", _fields(self, shape))

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Move:
        """The operator alone; the operands' shapes have the batch axis."""
        return cls.read(name, options, operands).op


@lru_cache(maxsize=256)
def sources(op: Move, shape: Shape) -> NDArray[np.int64]:
    """The flat index of the input value at each place of the output."""
    numbers = np.arange(math.prod(shape), dtype=np.int64).reshape(1, *shape)
    return np.ascontiguousarray(op.moved(numbers)[0])


@lru_cache(maxsize=256)
def in_order(op: Move, shape: Shape) -> bool:
    """Whether the output is the input's bytes."""
    found = sources(op, shape)
    return bool(np.array_equal(found.ravel(), np.arange(math.prod(shape))))


@lru_cache(maxsize=256)
def source_rows(op: Move, shape: Shape) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and last row of the input that each row of the output takes values from."""
    found = sources(op, shape)
    by_row = found.reshape(rows(found.shape)) // rows(shape)[1]
    return by_row.min(axis=1), by_row.max(axis=1)


def _fields(op: Move, shape: Shape) -> dict[str, int | Array]:
    """The members of the kernel's struct."""
    found = sources(op, shape)
    places = np.stack(np.divmod(found.reshape(rows(found.shape)), rows(shape)[1]), axis=-1)
    row_starts, within = places[:, 0], places[0] - places[0, 0]
    # Axes move independently of each other, so all output rows are made alike.
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
    """The length of groups whose places are each one step further, and the groups' first places."""
    breaks = np.flatnonzero((np.diff(places, axis=0) != step).any(axis=1)) + 1
    length = math.gcd(len(places), *map(int, breaks))
    return length, places[::length]


def _period(places: Pairs) -> tuple[Pairs, Pairs]:
    """The shortest beginning that repeats, further on, and how much further."""
    for length in range(1, len(places)):
        step = places[length] - places[0]
        if (places[length:] - places[:-length] == step).all():
            return places[:length], step
    return places, np.zeros(2, np.int64)
