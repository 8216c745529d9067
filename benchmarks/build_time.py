"""Measures the time to plan a model, and to compile its library for this computer and a Cortex-M4.

    python -m benchmarks.build_time [--model NAME]... [--shared FOLDER]

Nothing is recorded, because times vary from run to run. Times above the limits are marked.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.cases import SHARED, model_path, targets
from benchmarks.networks import save
from benchmarks.program import ended
from tinycomp.common.progress import Silent
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.emit.folder import write_folder
from tinycomp.emit.library import emit_library
from tinycomp.options.build import PlanOptions, Preparation
from tinycomp.plan.memory import Plan
from tinycomp.plan.streaming import choose
from tinycomp.prepare import Prepared, prepare
from tinycomp.proof.assembly import lower_for
from tinycomp.target.boards import load_board
from tinycomp.target.toolchain import is_available

LARGE = ("mobilenet_v2", "densenet_100")
BOARD, COMPILED_FOR = "cortex-m4", ("host", "cortex-m4")
PLANNING, COMPILING = 5.0, 10.0
"""Limits in seconds."""


def main() -> int:
    """Measure and print; returns the exit code."""
    options = _options()
    console = Console(width=max(Console().width, 100))
    table = Table(title="Seconds to build", title_justify="left")
    for heading in ("model", "nodes", "plan", *(f"compile for {b}" for b in COMPILED_FOR)):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.model or [*targets()[0].models, *LARGE]:
            wanted = _wanted(name, options.shared, Path(folder))
            if wanted.model.is_file():
                table.add_row(name, *_cells(wanted, Path(folder) / name))
            else:
                console.print(f"Skipped: {wanted.model} is missing.")
    console.print(table)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    choices = [*targets()[0].models, *LARGE]
    parser.add_argument("--model", action="append", choices=choices)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of reference models")
    return parser.parse_args()


def _wanted(name: str, shared: Path, folder: Path) -> Preparation:
    if name not in LARGE:
        return Preparation(model_path(name, shared))
    return Preparation(*save(name, folder))


def _cells(wanted: Preparation, folder: Path) -> Sequence[str]:
    prepared = prepare(wanted, Silent())
    planned, seconds = _timed(lambda: plan_for(prepared, BOARD))
    cells = [f"{len(prepared.graph.nodes)}", _marked(seconds, PLANNING)]
    library = folder / "library"
    write_folder(library, emit_library(planned, prefix="t", model_hash=prepared.sha256))
    for name in COMPILED_FOR:
        board = load_board(name)
        if not is_available(board.compiler):
            cells.append("no compiler")
            continue
        firmware = FirmwareBuild(board, library, "t", folder / name)
        cells.append(_marked(_timed(firmware.measure)[1], COMPILING))
    return cells


def plan_for(prepared: Prepared, name: str) -> Plan:
    """Plan like the pipeline with default options: choose codecs and kernels, then schedule and
    addresses.
    """
    board = load_board(name)
    program = lower_for(prepared, board, PlanOptions(ram_limit=board.memory.ram))
    return choose(program, "balanced", board.memory.ram)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def _marked(seconds: float, most: float) -> str:
    color, sign = ("green", "≤") if seconds <= most else ("red", ">")
    return f"{seconds:.2f} [{color}]{sign} {most:g}[/]"


if __name__ == "__main__":
    ended(main)
