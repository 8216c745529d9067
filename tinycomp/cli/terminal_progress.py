"""Progress reporting on the terminal: bars for stages, lines for notes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from tinycomp.cli.app import errors

if TYPE_CHECKING:
    from tinycomp.common.progress import Advance


class TerminalProgress:
    """Shows stages as progress bars, and notes as lines as soon as they arrive."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._running: tuple[Bars, TaskID] | None = None

    @contextmanager
    def stage(self, title: str, total: int = 0) -> Iterator[Advance]:
        """A bar while the stage runs; `total` is the number of units, 0 if unknown."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[status]}"),
        )
        with Bars(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bars:
            task = bars.add_task(title, total=total or None, status="")
            self._running = bars, task
            yield lambda done: bars.update(task, advance=done)
        self._running = None

    def status(self, text: str) -> None:
        """Show it behind the bar."""
        if self._running is not None:
            bars, task = self._running
            bars.update(task, status=text)

    def note(self, text: str) -> None:
        """Print a line immediately and keep it for the report."""
        self.notes.append(text)
        errors.print(f"Note: {text}", markup=False)
