"""Warnings about inputs in other units and labels in another order depend on what the model makes
of them.
"""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.common.progress import Silent
from tinycomp.data.dataset import Dataset
from tinycomp.data.scored import Scored
from tinycomp.data.targets import find_targets
from tinycomp.data.task import model_shape
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.softmax import Softmax
from tinycomp.options.data import DataOptions
from tinycomp.prepare import Prepared
from tinycomp.proof.checks import evaluate_accuracy
from tinycomp.quantization.calibration import calibrate
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.report.record import ModelRecord, Report

CLASSES, PIXELS = 4, 16


def bars() -> tuple[Array, Array]:
    """Bars of 4, 8, 12 or 16 bright pixels, noisy, from 0 to 1; and their classes."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, CLASSES, 200)
    bright = np.arange(PIXELS) < 4 * (classes[:, None] + 1)
    return (0.8 * bright + 0.2 * rng.random((200, PIXELS))).astype(np.float32), classes


def nearest(scale: float, offset: float) -> Graph:
    """Classifies inputs by the nearest bar to x * scale + offset."""
    builder = GraphBuilder("bars")
    pattern = np.arange(PIXELS) < 4 * (np.arange(CLASSES)[:, None] + 1)
    centers = 0.8 * pattern + 0.1
    bias = offset * centers.sum(axis=1) - (centers**2).sum(axis=1) / 2
    x = builder.input("input", (PIXELS,))
    names = [
        builder.constant("kernel", (8 * scale * centers).astype(np.float32)),
        builder.constant("bias", (8 * bias).astype(np.float32)),
    ]
    x = builder.add(FullyConnected(), [x, *names], "dense")
    return builder.build([builder.add(Softmax(), [x], "softmax")])


def warnings(
    graph: Graph, x: Array, y: Array | None, options: DataOptions | None = None, real: bool = True
) -> list[str]:
    """The warnings of a build: of a float model, or of one that is int8 for inputs from 0 to 1."""
    x = x.astype(np.float32)
    shape = model_shape(graph)
    scored, data = Scored(shape, find_targets(shape, x, y)), Dataset(x, y, x, y)
    int8 = quantize(graph, calibrate(graph, x if real else bars()[0], "min-max"))
    tflite = write_tflite(graph) if real else None
    prepared = Prepared(int8, b"", shape, None, data, (scored,), float_tflite=tflite)
    progress = Silent()
    report = Report(ModelRecord("bars", "", 0, 0), "host", "bars")
    evaluate_accuracy(report, prepared, progress, options)
    return [note for note in progress.notes if note.startswith("Warning")]


@pytest.mark.parametrize(
    ("scale", "offset", "advice"),
    [
        (255.0, 0.0, "--input-scale 1/255."),
        (127.5, 127.5, "--input-scale 1/127.5 --input-offset -1."),
    ],
    ids=["pixels", "pixels for -1 to 1"],
)
def test_pixels_for_a_model_of_small_numbers(scale: float, offset: float, advice: str) -> None:
    x, y = bars()
    model = nearest(1, 0) if offset == 0 else nearest(0.5, 0.5)
    (note,) = warnings(model, np.round(255 * x), y)
    assert "top-1 is " in note
    assert note.endswith(f"Build again with {advice}")


def test_small_numbers_for_a_model_of_pixels() -> None:
    x, y = bars()
    (note,) = warnings(nearest(1 / 255, 0), x, y)
    assert note.endswith("Build again with --input-scale 255.")
    (note,) = warnings(nearest(1 / 255, 0), x, y, DataOptions(scale=1 / 255))
    assert note.endswith("Leave out --input-scale and --input-offset.")


def test_an_int8_model_is_judged_as_well() -> None:
    x, y = bars()
    (note,) = warnings(nearest(1, 0), np.round(255 * x), y, real=False)
    assert note.endswith("--input-scale 1/255.")


def test_data_that_suit_the_model() -> None:
    x, y = bars()
    assert warnings(nearest(1, 0), x, y) == []
    assert warnings(nearest(1 / 255, 0), np.round(255 * x), y) == []


def test_nothing_is_said_without_a_better_score() -> None:
    x, y = bars()
    pixels = np.round(255 * x)
    assert warnings(nearest(1, 0), pixels, None) == []
    assert warnings(nearest(1, 0), pixels, np.random.default_rng(1).permutation(y)) == []


def test_labels_in_another_order() -> None:
    x, y = bars()
    (note,) = warnings(nearest(1, 0), x, (y + 1) % CLASSES)
    assert "top-1 is 0.0 %, and would be 100.0 % if" in note
    assert "in this order: 1, 2, 3, 0." in note


def test_the_order_can_be_given_as_it_is_printed() -> None:
    x, y = bars()
    (note,) = warnings(nearest(1, 0), x, (y + 1) % CLASSES)
    assert note.endswith("build again with --class-names 1,2,3,0.")
