"""Progress reporting: stages and notes, independent of how they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]


class Progress(Protocol):
    """Shows stages of work, and notes."""

    notes: list[str]
    """All notes so far."""

    def stage(self, title: str, total: int = 0) -> AbstractContextManager[Advance]:
        """A stage as a context: the function that it yields is called with the units done so far;
        total 0 means unknown.
        """

    def status(self, text: str) -> None:
        """What the stage that runs has come to so far, in a few words."""

    def note(self, text: str) -> None:
        """A line for the user: a decision made for them, something left out."""


class Silent:
    """Shows nothing; keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @contextmanager
    def stage(self, title: str, total: int = 0) -> Iterator[Advance]:
        """Yield a function that does nothing."""
        yield lambda _: None

    def status(self, text: str) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Keep the line."""
        self.notes.append(text)
