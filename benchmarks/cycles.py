"""Estimated cycles of the official MLPerf Tiny int8 models on a Cortex-M4, compared with published
figures of a real one.

    python -m benchmarks.cycles [--board BOARD] [--shared FOLDER]

Nothing here runs on a chip: see docs/performance.md, "Cycles". For board cortex-m4 the same figures
are part of `make bench`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.cases import SHARED, Case, model_path, published_cycles, targets
from benchmarks.measure import build
from benchmarks.program import ended
from tinycomp.cycles.estimate import require_silicon
from tinycomp.report.record import EstimateRecord
from tinycomp.target.boards import load_board

BOARD = "cortex-m4"
COLUMNS = ("instructions", "cycles", "range", "per MAC", "flash wait states", "published")


def main() -> int:
    """Build, count and print; returns the exit code."""
    options = _options()
    require_silicon(load_board(options.board))
    console = Console(width=max(Console().width, 130))
    table = Table(title=f"{options.board}: estimated cycles of one inference", title_justify="left")
    table.add_column("model")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for name in targets()[0].models:
        model = model_path(name, options.shared)
        if model.is_file():
            report, found = build(model, Case(options.board, name))
            assert found is not None
            published = published_cycles(name, options.shared)
            table.add_row(name, *_cells(report.model.macs, found), _published(published))
    console.print(table if table.rows else f"Skipped: {options.shared} has none of the models.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=" ".join((__doc__ or "").split("\n\n")[0].split()))
    parser.add_argument("--board", default=BOARD, help="one with a table [silicon]")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of reference models")
    return parser.parse_args()


def _published(found: tuple[int, str] | None) -> str:
    return f"{found[0]:,} ({found[1]})" if found else ""


def _cells(macs: int, found: EstimateRecord) -> tuple[str, ...]:
    return (
        f"{found.instructions:,}",
        f"{found.cycles:,}",
        f"{found.least:,} to {found.most:,}",
        f"{found.cycles / macs:.2f}",
        f"{found.flash_waits:,}",
    )


if __name__ == "__main__":
    ended(main)
