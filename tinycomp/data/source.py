"""Arrays by name, wherever they are kept: what every format of data is read as.

The names are those of an .npz: x_train, y_train, x_test, class_names and so on (dataset.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from tinycomp.ir.tensor import Array, Shape


def listed(names: tuple[str, ...], most: int = 8) -> str:
    """The first of these names as text, and how many others there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


class UnreadableError(Exception):
    """What is wrong with one array, in full sentences."""


class Source(ABC):
    """Arrays of samples and labels by name, loaded when they are asked for."""

    flat = False
    """Whether a sample may be a row of all its values, in any input shape."""
    columns: tuple[str, ...] = ()
    """The names of the values of a row, where they have names."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of its arrays."""

    @abstractmethod
    def is_empty(self, name: str) -> bool:
        """Whether an array has no elements; False if it can't be read."""

    @abstractmethod
    def load(self, name: str) -> Array:
        """One array.

        Raises:
            UnreadableError: it is damaged, or is not what the format can hold.
        """

    @property
    def listing(self) -> str:
        """Its contents as text."""
        return ", ".join(self.names) or "nothing"

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def fitted(self, shape: Shape) -> Source:
        """The same for a model whose input has this shape: of files that are converted to it.

        Raises:
            UnreadableError: they can't be.
        """
        return self


class ArraySource(Source):
    """Arrays in memory."""

    def __init__(
        self, arrays: Mapping[str, Array], *, flat: bool = False, columns: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.arrays = dict(arrays)
        self.flat = flat
        self.columns = columns

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its arrays."""
        return tuple(self.arrays)

    def is_empty(self, name: str) -> bool:
        """Whether an array has no elements."""
        return self.arrays[name].size == 0

    def load(self, name: str) -> Array:
        """One array."""
        return self.arrays[name]


class LazySource(Source):
    """Arrays that are read from files when they are asked for, once each."""

    def __init__(self, readers: Mapping[str, Callable[[], Array]]) -> None:
        super().__init__()
        self._readers = dict(readers)
        self._read: dict[str, Array] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its arrays."""
        return tuple(self._readers)

    def is_empty(self, name: str) -> bool:
        """Whether an array has no elements; False if it can't be read."""
        try:
            return self.load(name).size == 0
        except UnreadableError:
            return False

    def load(self, name: str) -> Array:
        """One array.

        Raises:
            UnreadableError: its reader's.
        """
        if name not in self._read:
            self._read[name] = self._readers[name]()
        return self._read[name]
