"""Progress reporting: stages and notes, whoever shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]


class Progress(Protocol):
    """Something that shows stages of work."""

    notes: list[str]
    """All notes so far."""

    def stage(self, title: str, total: int = 0) -> AbstractContextManager[Advance]:
        """A stage for a `with` block: the value in hand is called with the units done; total 0 is
        unknown.
        """

    def note(self, text: str) -> None:
        """A line that the user should see: a decision taken for them, something left out."""


class Silent:
    """Shows nothing; keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @contextmanager
    def stage(self, title: str, total: int = 0) -> Iterator[Advance]:
        """Yield a counter that goes nowhere."""
        yield lambda _: None

    def note(self, text: str) -> None:
        """Keep the line."""
        self.notes.append(text)
