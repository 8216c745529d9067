"""The constant arrays of one library, as text; equal ones are stored once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tinycomp.emit.c_syntax import c_number
from tinycomp.ir.tensor import Array

_WIDTH = 100
_C_TYPES = {
    np.dtype(f"{kind}{bits}"): f"{kind}{bits}_t" for kind in ("int", "uint") for bits in (8, 16, 32)
}


@dataclass(frozen=True)
class ArrayText:
    """A constant array in C."""

    type: str
    """Type of an element: "int8_t"."""
    name: str
    """C name, with the library's prefix."""
    length: int
    """Number of elements."""
    lines: tuple[str, ...]
    """The values, comma-separated."""
    far: bool = False
    """Whether it may be anywhere in an AVR's memory."""


@dataclass
class ConstantArrays:
    """Collects arrays while a library is written."""

    prefix: str
    """Prefix of the C names."""
    texts: list[ArrayText] = field(default_factory=list)
    """The distinct arrays, in the order in which they were added."""
    names: dict[tuple[str, bytes, bool], str] = field(default_factory=dict)
    """The C name by dtype, bytes, and whether it is far."""

    def add(self, name: str, values: Array, far: bool = False) -> str:
        """The C name of an array with these values."""
        if values.dtype not in _C_TYPES:
            raise TypeError(f"{name}: no C type for {values.dtype}")
        key = (str(values.dtype), values.tobytes(), far)
        if key not in self.names:
            self.names[key] = f"{self.prefix}_{name}"
            lines = number_lines([int(value) for value in values.ravel()])
            self.texts.append(
                ArrayText(_C_TYPES[values.dtype], self.names[key], values.size, lines, far)
            )
        return self.names[key]

    def value(self, name: str, value: int | Array, far: bool = False) -> str:
        """The C text of a struct member: a number, or the name of an array."""
        return self.add(name, value, far) if isinstance(value, np.ndarray) else c_number(int(value))


def number_lines(values: Sequence[int]) -> tuple[str, ...]:
    """Comma-separated numbers, as many per line as fit."""
    return literal_lines([c_number(value) for value in values])


def literal_lines(numbers: Sequence[str]) -> tuple[str, ...]:
    """The same for numbers that are already text."""
    count = max(1, (_WIDTH - 4) // (max(map(len, numbers)) + 2))
    return tuple(", ".join(numbers[i : i + count]) + "," for i in range(0, len(numbers), count))
