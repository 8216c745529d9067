"""Cycles that the official MLPerf Tiny int8 models would take on a Cortex-M4, estimated, beside
figures that others have published of a real one.

    python -m benchmarks.cycles [--models FOLDER] [--peers FILE] [--board BOARD]

Nothing here runs on a chip: see docs/performance.md, "Cycles".
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.run import BOARD, MODELS, SHARED
from tinycomp import pipeline
from tinycomp.errors import TinycompError
from tinycomp.prepare import Preparation
from tinycomp.progress import Silent
from tinycomp.report.record import EstimateRecord

PUBLISHED = "published_silicon_cycles"
COLUMNS = ("instructions", "cycles", "least to most", "a MAC", "wait for flash", "published")


def main() -> int:
    """Build, count and print; the exit code."""
    options = _options()
    console = Console(width=max(Console().width, 130))
    published = _published(options.peers)
    table = Table(
        title=f"{options.board}: cycles of one inference, estimated", title_justify="left"
    )
    table.add_column("model")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for name, file in MODELS.items():
        if (options.models / file).is_file():
            macs, found = _estimate(options.models / file, name, options.board)
            table.add_row(name, *_cells(macs, found), published.get(name, ""))
    console.print(table if table.rows else f"Left out: {options.models} holds none of the models.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=" ".join((__doc__ or "").split("\n\n")[0].split()))
    parser.add_argument("--models", type=Path, default=SHARED / "models")
    parser.add_argument("--peers", type=Path, default=SHARED / "design" / "peers.json")
    parser.add_argument("--board", default=BOARD, help="one with a table [silicon]")
    return parser.parse_args()


def _published(path: Path) -> dict[str, str]:
    """The least cycles by model, of whatever tool, on the chips of the table."""
    if not path.is_file():
        return {}
    (chip,) = json.loads(path.read_text(encoding="utf-8"))[PUBLISHED].values()
    least = {
        name: min((cycles, tool) for tool, cycles in row.items()) for name, row in chip.items()
    }
    return {name: f"{cycles:,} ({tool})" for name, (cycles, tool) in least.items()}


def _estimate(model: Path, name: str, board: str) -> tuple[int, EstimateRecord]:
    """Multiply-accumulates, and the estimate, of a build."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Preparation(model, name=name)
        out = Path(folder) / "out"
        pipeline.build(
            pipeline.BuildOptions(wanted, board, out, verify=False, bench=False), Silent()
        )
        report = pipeline.bench(out, board, None, Silent(), estimate_cycles=True)
    assert report.latency is not None
    assert report.latency.estimate is not None
    return report.model.macs, report.latency.estimate


def _cells(macs: int, found: EstimateRecord) -> tuple[str, ...]:
    return (
        f"{found.instructions:,}",
        f"{found.cycles:,}",
        f"{found.least:,} to {found.most:,}",
        f"{found.cycles / macs:.2f}",
        f"{found.flash_waits:,}",
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TinycompError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
