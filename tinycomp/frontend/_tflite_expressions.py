"""What one turn of a loop computes, as expressions of the row that it reads and of its states.

Every vector is a sum of matrices times atoms, plus an offset. An atom is a row, a state, a function
of a vector, or a product of two vectors, value by value. Batches are 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinycomp.ir.tensor import Array


class NoLayerError(Exception):
    """A loop holds something that no recurrent layer has."""


@dataclass(frozen=True, eq=False)
class Atom:
    """A vector that is no sum."""


@dataclass(frozen=True, eq=False)
class Slot(Atom):
    """What a turn gets: one of the loop's inputs, of any kind."""

    number: int
    """Which of the inputs."""


@dataclass(frozen=True, eq=False)
class Row(Atom):
    """The row of an input, counted by another one."""

    source: int
    """The input with all rows."""
    counter: int
    """The input that counts."""


@dataclass(frozen=True, eq=False)
class Linear:
    """Matrices times atoms, plus an offset."""

    parts: Mapping[Atom, Array]
    """(values, values of the atom) for each atom."""
    offset: Array
    """(values,)."""

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.offset)

    @property
    def atom(self) -> Atom | None:
        """The only atom, if it is this one as it is."""
        if len(self.parts) != 1 or self.offset.any():
            return None
        ((atom, matrix),) = self.parts.items()
        return atom if is_identity(matrix) else None


@dataclass(frozen=True, eq=False)
class Applied(Atom):
    """A function of every value."""

    builtin: str
    """Its name in the schema."""
    of: Linear
    """Of what."""


@dataclass(frozen=True, eq=False)
class Product(Atom):
    """Two vectors, value by value."""

    factors: tuple[Linear, Linear]
    """Both."""


@dataclass(frozen=True)
class Count:
    """A counter at the start of a turn, plus a number."""

    slot: int
    """The input."""
    plus: int = 0
    """The number."""


@dataclass(frozen=True, eq=False)
class Stored:
    """A list of rows in which one has been replaced."""

    slot: int
    """The input with the list."""
    place: Any
    """The row's number: a Count, or an integer."""
    item: Linear
    """The row."""


@dataclass(frozen=True, eq=False)
class Piece:
    """The rows of a list before or after some row."""

    slot: int
    """The input with the list."""
    first: Any
    """The number of its first row."""
    count: Any
    """How many; -1: all others."""


def is_identity(matrix: Array) -> bool:
    """Whether a matrix changes nothing."""
    return matrix.shape[0] == matrix.shape[1] and np.array_equal(matrix, np.eye(len(matrix)))


def linear(atom: Atom, size: int) -> Linear:
    """An atom as it is."""
    return Linear({atom: np.eye(size, dtype=np.float32)}, np.zeros(size, np.float32))
