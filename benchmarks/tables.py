"""Tables of README.md and docs/performance.md, generated from results.json between markers.

    python -m benchmarks.tables [--check]

With --check nothing is written: the exit code is 1 if a document is not up to date.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.cases import HERE, targets
from benchmarks.results import BoardResults, Results, Row, read_results
from tinycomp.target.boards import load_board

MAIN, SMALLEST = "cortex-m4", "mega"
"""The board of README's table, and the board of the line below it."""
BITS = " 4-bit"
"""Suffix of the names of cases with codebooks."""


def main() -> int:
    """Rewrite or check the documents; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check, stale, results = parser.parse_args().check, False, read_results()
    for path, blocks in DOCUMENTS.items():
        before = path.read_text(encoding="utf-8")
        after = before
        for name, block in blocks.items():
            after = _replaced(after, name, "\n".join(block(results)))
        if after != before:
            stale = True
            print(f"{path.name} {'differs from' if check else 'now holds'} results.json")
            if not check:
                path.write_text(after, encoding="utf-8")
    return 1 if stale and check else 0


def _replaced(text: str, name: str, block: str) -> str:
    """The text with the block placed between its markers.

    Raises:
        ValueError: the markers do not occur exactly once.
    """
    first, last = f"<!-- results: {name} -->\n", f"<!-- end: {name} -->\n"
    pattern = re.compile(f"{re.escape(first)}.*?{re.escape(last)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"expected {first.strip()} and {last.strip()} once")
    return pattern.sub(lambda _: f"{first}\n{block}\n\n{last}", text)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows)]


def measured(results: Results) -> list[str]:
    """README: the main board compared with its peer, then the smallest board."""
    rows = results[MAIN].rows
    headings = ("model", "instructions", "flash: code + constants", "RAM",
                "flash, 4-bit codebooks",
                "TFLM: instructions", "TFLM: flash", "TFLM: RAM")  # fmt: skip
    plain = [name for name, row in rows.items() if row.peer and " " not in name]
    lines = _table(headings, (_measured(name, rows) for name in plain))
    for name, row in results[SMALLEST].rows.items():
        ram = load_board(SMALLEST).memory.ram
        ram_used = f"{row.ram:,} of {ram:,} bytes of RAM"
        rest = f"{row.flash:,} bytes of flash and {row.latency:,} cycles (simavr)"
        lines += ["", f"On an ATmega2560 {name} takes {ram_used}, {rest}."]
    return lines


def _measured(name: str, rows: dict[str, Row]) -> list[str]:
    row, small = rows[name], rows[name + BITS]
    assert row.peer is not None
    peer = (row.peer.latency, row.peer.flash, row.peer.ram)
    own = [f"{row.latency:,}", f"{row.code:,} + {row.constants:,}", f"{row.ram:,}"]
    return [name, *own, f"{small.flash:,}", *(f"{value:,}" for value in peer)]


def all_boards(results: Results) -> list[str]:
    """docs/performance.md: every board and case, as figures and as ratios to the peer's."""
    lines = []
    for target in targets():
        found = results[target.board]
        beside = f"; peer: {found.peer}" if found.peer else ""
        lines += ["", f"### {target.board}", "", f"{found.compiler}{beside}.", "", *_board(found)]
    return lines[1:]


def _board(found: BoardResults) -> list[str]:
    headings = ["model", found.unit, "per MAC", "code", "constants", "RAM"]
    if found.peer:
        headings += [f"{what}, ratio to peer" for what in (found.unit, "flash", "RAM")]
    return _table(headings, (_cells(name, row, found) for name, row in found.rows.items()))


def _cells(name: str, row: Row, found: BoardResults) -> list[str]:
    values = (row.code, row.constants, row.ram)
    cells = [name, f"{row.latency:,}", f"{row.latency / row.macs:.2f}"]
    cells += [f"{value:,}" for value in values]
    if not found.peer:
        return cells
    if row.peer is None:
        return [*cells, "", "", ""]
    pairs = (row.latency, row.peer.latency), (row.flash, row.peer.flash), (row.ram, row.peer.ram)
    return [*cells, *(f"{own / other:.2f} of {other:,}" for own, other in pairs)]


def cycles(results: Results) -> list[str]:
    """docs/performance.md: estimated cycles, and published ones."""
    headings = ("model", "instructions", "estimated cycles", "range",
                "of these, flash wait states", "published")  # fmt: skip
    return _table(headings, (_cycles(*item) for item in results[MAIN].rows.items()))


def _cycles(name: str, row: Row) -> list[str]:
    found = row.cycles
    assert found is not None
    published = f"{found.published:,} ({found.publisher})" if found.published else ""
    between = f"{found.least:,} to {found.most:,}"
    counts = (f"{row.latency:,}", f"{found.cycles:,}", between, f"{found.flash_waits:,}")
    return [name, *counts, published]


DOCUMENTS: dict[Path, dict[str, Callable[[Results], list[str]]]] = {
    HERE.parent / "README.md": {"measured": measured},
    HERE.parent / "docs" / "performance.md": {"boards": all_boards, "cycles": cycles},
}


if __name__ == "__main__":
    sys.exit(main())
