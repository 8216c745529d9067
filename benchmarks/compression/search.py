"""`tinycomp search` against random search at equal cost: python -m benchmarks.compression.search

A small 1-D CNN on UCI HAR. Both choose from the same recipes; random search trains each for the
whole length. The figure is the share of a box that a front dominates (hypervolume): the error from
0 to ERROR, bytes of constants on a logarithmic scale from those of int8 down to a tenth. Nothing is
compiled, so that a candidate takes seconds; with --folder a stopped comparison goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import SHARED
from benchmarks.compression import har
from benchmarks.compression._case import Case, trained
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.options.build import PlanOptions
from tinycomp.options.data import DataOptions
from tinycomp.options.search import Limits, Plan, SearchOptions, Task
from tinycomp.recipe_search.evaluate import Evaluator
from tinycomp.recipe_search.front import front, volume
from tinycomp.recipe_search.halving import Finished
from tinycomp.recipe_search.outcome import outcome_line
from tinycomp.recipe_search.search import search

BOARD = """based_on = "cortex-m4"
title = "Cortex-M4 without a compiler"

[compiler]
prefix = "absent-"
"""
"""Without a compiler flash is what constants take."""
ERROR = 0.25
"""Errors from here on count for nothing."""
SMALLEST = 0.1
"""The least flash that counts, as a share of int8's."""
AT_ONCE = 3
"""Random candidates from one look at the time to the next."""


def network(shape: tuple[int, ...]) -> Any:
    """Two convolutions and two dense layers."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(shape),
            layers.Conv1D(16, 5, strides=4, padding="same", activation="relu"),
            layers.Conv1D(32, 5, strides=2, padding="same", activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(32, activation="relu"),
            layers.Dense(6, activation="softmax"),
        ]
    )


def main() -> None:
    """Print a line of JSON for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of evaluation data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--candidates", type=int, default=27)
    parser.add_argument("--epochs", type=int, default=9, help="of a whole training")
    parser.add_argument("--folder", type=Path, help="goes on with what is in it")
    options = parser.parse_args()
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
            folder = (options.folder or Path(scratch)) / str(seed)
            folder.mkdir(parents=True, exist_ok=True)
            print(json.dumps(_compare(folder, seed, options)), flush=True)


def _compare(folder: Path, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    arrays = har.data(options.shared / "data")
    model, data, board = (folder / name for name in ("model.keras", "data.npz", "board.toml"))
    if not model.exists():
        np.savez(data, **arrays)
        board.write_text(BOARD)
        trained(Case("har_uci", har.data, network, 20, "", "", 0), arrays, seed, model)
    task = Task(
        model, data, str(board), DataOptions(), PlanOptions("flash"), hold_out="last", seed=seed
    )
    whole = Evaluator.read(task, TerminalProgress()).untrained("steps = []\n")
    plan = Plan(options.candidates, options.epochs, ("flash",), Limits(), seed)
    found = _run(SearchOptions(task, plan, folder / "search"))
    seconds = sum(each.outcome.seconds for each in found)
    epochs = sum(each.outcome.epochs for each in found)
    plan = replace(plan, candidates=0, halving=False, learns=False)
    drawn: list[Finished] = []
    while (
        sum(each.outcome.seconds for each in drawn) < seconds
        or sum(each.outcome.epochs for each in drawn) < epochs
    ):
        plan = replace(plan, candidates=plan.candidates + AT_ONCE)
        drawn = _run(SearchOptions(task, plan, folder / "random"))
    by_epochs = _first(drawn, [each.outcome.epochs for each in drawn], epochs)
    by_seconds = _first(drawn, [each.outcome.seconds for each in drawn], seconds)
    return {
        "date": time.strftime("%Y-%m-%d"), "seed": seed, "int8_flash": whole.flash,
        "int8_test": whole.test, "epochs": epochs, "seconds": round(seconds),
        "search": _figures(found, whole.flash),
        "random, same epochs": _figures(by_epochs, whole.flash),
        "random, same seconds": _figures(by_seconds, whole.flash),
    }  # fmt: skip


def _run(options: SearchOptions) -> list[Finished]:
    def tell(each: Finished) -> None:
        line = f"{each.number}: {outcome_line(each.outcome)}, {each.outcome.epochs} epochs, "
        print(f"{options.output.name} {line}{each.outcome.seconds:.0f} s", flush=True)

    return list(search(options, TerminalProgress(), tell).finished)


def _first(found: Sequence[Finished], costs: Sequence[float], most: float) -> list[Finished]:
    """The first candidates that cost no more together; one more where that comes nearer."""
    spent = np.cumsum(costs)
    count = int(np.argmin(np.abs(spent - most))) + 1
    return list(found[:count])


def _figures(found: Sequence[Finished], flash: int) -> dict[str, Any]:
    """The share of the box by validation samples; and by the test half, for the same front."""
    values = np.array([[1 - e.outcome.score, e.outcome.flash] for e in found])
    best = [found[place].outcome for place in front(values)]
    return {
        "candidates": len(found),
        "validation": round(_share([(1 - e.score, e.flash) for e in best], flash), 4),
        "test": round(_share([(1 - (e.test or 0), e.flash) for e in best], flash), 4),
        "front": [[round(e.score, 4), round(e.test or 0, 4), e.flash] for e in best],
    }


def _share(points: Sequence[tuple[float, float]], flash: int) -> float:
    depth = math.log(1 / SMALLEST)
    rows = [[error / ERROR, 1 + math.log(size / flash) / depth] for error, size in points]
    return volume(np.clip(np.array(rows), 0.0, None), [1.0, 1.0])


if __name__ == "__main__":
    main()
