"""Measures the official MLPerf Tiny int8 models on every emulated board, and others on some,
compared with other tools.

    python -m benchmarks.run [--board NAME]... [--model NAME]... [--check] [--shared FOLDER]

Figures are reproducible, so --check compares them with results.json and fails if one has grown.
Without it new figures are written there; the rest of the file is kept. Models that are missing in
the folder are skipped with a message.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.cases import SHARED, Case, Target, model_path, targets
from benchmarks.measure import measure
from benchmarks.program import ended
from benchmarks.results import (
    BoardResults,
    Results,
    Row,
    growth,
    read_results,
    write_results,
)  # fmt: skip
from benchmarks.show import table
from tinycomp.device import firmware_build
from tinycomp.target.boards import load_board
from tinycomp.target.toolchain import gcc_version

PROCESSES = 2
"""Concurrent builds; a build is one process, which compiles with several."""


def main() -> int:
    """Measure, print, and write or check results.json; returns the exit code."""
    options = _options()
    console = Console(width=max(Console().width, 160))
    wanted = list(_wanted(options, console))
    if not wanted:
        console.print(f"Skipped: {options.shared} has no reference models for these boards.")
        return 0
    found = _measure_all(wanted, options.shared, console)
    for target in targets():
        if target.board in found:
            console.print(table(target, found[target.board]))
    known = read_results()
    if options.check:
        return _check(known, found, console)
    write_results(merged(known, found))
    console.print("Wrote benchmarks/results.json; `python -m benchmarks.tables` updates the docs.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    boards = [each.board for each in targets()]
    parser.add_argument("--board", action="append", choices=boards)
    parser.add_argument("--model", action="append", choices=_models())
    parser.add_argument("--check", action="store_true", help="compare with results.json")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of reference models")
    return parser.parse_args()


def _models() -> list[str]:
    """All models measured on any board."""
    return list(dict.fromkeys(case.model for target in targets() for case in target.cases))


def _wanted(options: argparse.Namespace, console: Console) -> Iterator[tuple[Target, Case]]:
    """The requested boards and models that can be measured here."""
    for target in targets():
        if options.board and target.board not in options.board:
            continue
        if reason := firmware_build.missing(load_board(target.board)):
            console.print(f"Skipped: {target.board}: {reason}")
            continue
        for case in target.cases:
            asked = not options.model or case.model in options.model
            if asked and model_path(case.model, options.shared).is_file():
                yield target, case


def _measure_all(wanted: Sequence[tuple[Target, Case]], shared: Path, console: Console) -> Results:
    """Measure all cases, two at a time, with a line for each."""
    start, rows = time.monotonic(), {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        jobs = {pool.submit(measure, target, case, shared): case for target, case in wanted}
        for done, job in enumerate(as_completed(jobs), 1):
            case, row = jobs[job], job.result()
            rows[case] = row
            passed = time.monotonic() - start
            text = f"{done}/{len(jobs)} {case.board} {case.name}: {row.latency:,}, {passed:.0f} s"
            console.print(text, style="dim", highlight=False)
    return {target.board: _board_results(target, rows) for target, _ in wanted}


def _board_results(target: Target, rows: dict[Case, Row]) -> BoardResults:
    board = load_board(target.board)
    assert board.emulator is not None
    measured = {case.name: rows[case] for case in target.cases if case in rows}
    compiler = gcc_version(board.compiler)
    return BoardResults(compiler, board.emulator.tick_unit, target.peer, measured)


def merged(known: Results, found: Results) -> Results:
    """The recorded results, updated with the measured ones, in the order of the table."""
    merged: Results = {}
    for target in targets():
        board = found.get(target.board) or known.get(target.board)
        if board is not None:
            rows = known[target.board].rows | board.rows if target.board in known else board.rows
            ordered = {case.name: rows[case.name] for case in target.cases if case.name in rows}
            merged[target.board] = replace(board, rows=ordered)
    return merged


def _check(known: Results, found: Results, console: Console) -> int:
    """1 if a figure has grown; figures of another compiler are not compared."""
    grown = []
    for board, results in found.items():
        recorded = known.get(board, BoardResults(results.compiler, results.unit))
        if recorded.compiler != results.compiler:
            console.print(f"Not compared: {board}: {recorded.compiler}, here {results.compiler}.")
        else:
            grown += [f"{board} {line}" for line in growth(recorded, results)]
    for line in grown:
        console.print(line, style="red", highlight=False)
    return 1 if grown else 0


if __name__ == "__main__":
    ended(main)
