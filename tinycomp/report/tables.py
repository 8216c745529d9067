"""Tables of the terminal. A narrow one cuts names in the middle, never figures: their columns are
whole, or left out, which the title says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE, SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from tinycomp.report.numbers import cut_middle

_SHORTEST = 8
"""Characters that are left of a name at least."""
_AROUND = 2
"""Characters between two columns."""


def details(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    """What something is, line by line: a word or two, then the value, which may be long."""
    table = Table(title=title, title_justify="left", show_header=False, box=SIMPLE)
    table.add_column("what", style="bold", no_wrap=True)
    table.add_column("value")
    for what, value in rows:
        table.add_row(what, value)
    return table


@dataclass(frozen=True)
class Figures:
    """Rows of names and figures, as wide as the console allows."""

    title: str
    """Above the table."""
    names: Sequence[str]
    """Headings of the first columns, which may be cut."""
    headings: Sequence[str]
    """Headings of the others, which may not."""
    rows: Sequence[Sequence[str | Text]]
    """The cells of each row."""
    optional: Sequence[str] = ()
    """Headings of columns that a narrow terminal can do without, the least important first."""
    justify: Literal["left", "right"] = "right"
    """How figures are aligned."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.table(options.max_width)

    def table(self, width: int) -> Table:
        """The table for so many characters."""
        columns = {
            heading: [row[n] for row in self.rows]
            for n, heading in enumerate((*self.names, *self.headings))
        }
        left_out = []
        for heading in self.optional:
            if self._least(columns) <= width:
                break
            del columns[heading]
            left_out.append(heading)
        table = Table(
            title=f"{self.title}{_without(left_out)}", title_justify="left", box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )  # fmt: skip
        names = self._name_widths(columns, width)
        for heading in columns:
            table.add_column(
                heading, no_wrap=True, justify="left" if heading in names else self.justify
            )
        for cells in zip(*columns.values(), strict=True):
            shown = zip(columns, cells, strict=True)
            table.add_row(*(_cut(cell, names.get(heading)) for heading, cell in shown))
        return table

    def _least(self, columns: dict[str, list[str | Text]]) -> int:
        """The width with names as short as they may become."""
        widths = _widths(columns)
        least = (min(n, _SHORTEST) if name in self.names else n for name, n in widths.items())
        return sum(least) + _AROUND * len(columns) + 1

    def _name_widths(self, columns: dict[str, list[str | Text]], width: int) -> dict[str, int]:
        """The most characters of each column of names: the longest give way first."""
        widths = _widths(columns)
        names = {name: widths[name] for name in self.names if name in widths}
        left = width - sum(widths.values()) + sum(names.values()) - _AROUND * len(columns) - 1
        while sum(names.values()) > left and max(names.values(), default=0) > _SHORTEST:
            longest = max(names, key=lambda name: names[name])
            names[longest] -= 1
        return names


def _widths(columns: dict[str, list[str | Text]]) -> dict[str, int]:
    return {
        heading: max(cell_len(str(cell)) for cell in (heading, *cells))
        for heading, cells in columns.items()
    }


def _cut(cell: str | Text, width: int | None) -> str | Text:
    return cut_middle(cell, width) if width is not None and isinstance(cell, str) else cell


def _without(headings: Sequence[str]) -> str:
    return f", too narrow for {' and '.join(headings)}" if headings else ""
