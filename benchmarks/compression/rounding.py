"""Rounding without training on ic.keras and CIFAR-10:
python -m benchmarks.compression.rounding [--shared FOLDER] [--test 4000]

A row for each way: bits, method, scales, mixed precision, equalization. 500 training images
calibrate, 128 of them give statistics; the test images are scored once a row.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.cases import SHARED
from tinycomp.common.progress import Silent
from tinycomp.data.dataset import Dataset, load_data
from tinycomp.ir.graph import Graph
from tinycomp.options.build import PlanOptions
from tinycomp.options.data import DataOptions
from tinycomp.prepare import prepare_trained
from tinycomp.proof.accuracy import evaluate_int8
from tinycomp.proof.assembly import Assembler
from tinycomp.proof.measure import footprint
from tinycomp.reading import read_model
from tinycomp.recipes.measure import bits
from tinycomp.target.boards import load_board
from tinycomp.techniques._layers import weighted_layers
from tinycomp.techniques._technique import Samples, Technique
from tinycomp.techniques.equalize import Equalize
from tinycomp.techniques.recipe import Recipe
from tinycomp.techniques.rounding import Rounding


def rows() -> Iterator[tuple[Technique, ...]]:
    """Techniques in order."""
    yield ()
    for width in (4, 3):
        for method in ("nearest", "feedback", "adaround"):
            yield (Rounding(width, method=method),)  # type: ignore[arg-type]
    yield (Rounding(average=4.0),)
    yield (Rounding(average=3.0),)
    for width in (4, 3):
        yield (Rounding(width, scales="layer"),)
        yield (Equalize(), Rounding(width, scales="layer"))


def measured(graph: Graph, steps: tuple[Technique, ...], data: Dataset) -> dict[str, Any]:
    """Accuracy and bytes of a row."""
    notes: tuple[str, ...] = ()
    for step in steps:
        graph = step.apply(graph, Samples(data.x))
        notes = graph.notes
    compression = {"steps": [repr(step) for step in steps]} if steps else {}
    prepared = prepare_trained(graph, {}, data, Recipe(), compression, Silent())
    (found,) = evaluate_int8(prepared.graph, prepared.scored[:1], data.x_test)
    with tempfile.TemporaryDirectory() as folder:
        board = load_board("cortex-m4")
        assembler = Assembler(board, PlanOptions("flash"), Path(folder), lambda _: None)
        built = assembler.cheapest(prepared, Silent())
        constants = footprint(built.plan, built.measured).constants
    return {
        "steps": [repr(step) for step in steps], "accuracy": round(found.value if found else 0, 4),
        "constants": constants,
        "bits": round(bits([each.weights.values for each in weighted_layers(prepared.graph)]), 3),
        "notes": notes,
    }  # fmt: skip


def main() -> None:
    """Print a line of JSON for each row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of evaluation data")
    parser.add_argument("--test", type=int, default=4000, help="test images")
    options = parser.parse_args()
    graph = read_model(options.shared / "models" / "ic.keras")
    shape = graph.tensors[graph.inputs[0]].shape
    wanted = DataOptions(test_samples=options.test)
    data = load_data(options.shared / "data" / "cifar10.npz", shape, wanted)
    for steps in rows():
        print(json.dumps(measured(graph, steps, data)), flush=True)


if __name__ == "__main__":
    main()
