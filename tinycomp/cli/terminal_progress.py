"""Progress reporting: bars for stages on a terminal, a plain line for each stage elsewhere, lines
for notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from tinycomp.cli.app import errors, shown, tell

if TYPE_CHECKING:
    from tinycomp.common.progress import Advance

PLAIN_END = " ..."
"""How a stage's line ends without a terminal."""


class TerminalProgress:
    """Shows stages, and notes as they arrive.

    Args:
        steps: the first words of the titles that stages will have, in order; a stage is numbered by
            its place among them, and others share the number of the one before. The numbers of
            those that turn out not to be needed are left out.
    """

    def __init__(self, steps: Sequence[str] = ()) -> None:
        self.notes: list[str] = []
        self.number = 0
        self._steps = tuple(steps)
        self._running: tuple[Bars, TaskID] | None = None

    @contextmanager
    def stage(self, title: str, total: int = 0) -> Iterator[Advance]:
        """A bar while the stage runs; `total` is the number of units, 0 if unknown."""
        title = self._numbered(title)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[status]}"),
        )
        if not errors.is_terminal:
            tell(f"{title}{PLAIN_END}")
        hidden = shown.quiet or not errors.is_terminal
        with Bars(*columns, console=errors, transient=True, disable=hidden) as bars:
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
        tell(text if text.startswith("Warning: ") else f"Note: {text}")

    def _numbered(self, title: str) -> str:
        """The title with its step's number, if the steps are known."""
        if not self._steps:
            return title
        later = enumerate(self._steps[self.number :], self.number + 1)
        self.number = next((n for n, step in later if title.startswith(step)), self.number)
        return f"[{max(1, self.number)}/{len(self._steps)}] {title}"
