"""Results in the terminal: one table per board, each figure with the peer's and its limit."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from benchmarks.cases import Target
from benchmarks.results import GUARDED, BoardResults, Row, limits

Column = tuple[str, list[str]]


def table(target: Target, found: BoardResults) -> Table:
    """All rows. Limits that are met are marked ≤, exceeded ones >."""
    beside = f", beside {found.peer}" if found.peer else ""
    title = f"{target.board}, {found.compiler}{beside}"
    result = Table(title=title, title_justify="left", min_width=len(title))
    columns = [
        ("model", list(found.rows)),
        *_figures(target, found),
        ("per MAC", [f"{row.latency / row.macs:.2f}" for row in found.rows.values()]),
    ]
    for heading, _ in columns:
        result.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
    for cells in zip(*(cells for _, cells in columns), strict=True):
        result.add_row(*cells)
    return result


def _figures(target: Target, found: BoardResults) -> Iterator[Column]:
    """Each figure, its share of the peer's, and its limits, if any."""
    most = [limits(target.limit(name), found.rows, name) for name in found.rows]
    for figure in GUARDED:
        values = [getattr(row, figure) for row in found.rows.values()]
        yield found.unit if figure == "latency" else figure, [f"{value:,}" for value in values]
        if found.peer:
            yield "of the peer's", [_of_peer(row, figure) for row in found.rows.values()]
        allowed = [each.get(figure) for each in most]
        if any(allowed):
            yield "limit", [_limit(*pair) for pair in zip(values, allowed, strict=True)]


def _of_peer(row: Row, figure: str) -> str:
    if row.peer is None:
        return ""
    peer: int = getattr(row.peer, figure)
    return f"{getattr(row, figure) / peer:.3f} of {peer:,}"


def _limit(value: int, most: int | None) -> str:
    if most is None:
        return ""
    holds = value <= most
    return f"[{'green' if holds else 'red'}]{'≤' if holds else '>'} {most:,}[/]"
