"""A build warns if int8 loses more than 2 points, and names the worst tensor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tinycomp.common.progress import Silent
from tinycomp.data.dataset import Dataset
from tinycomp.data.scored import Scored
from tinycomp.data.targets import find_targets
from tinycomp.data.task import model_shape
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.prepare import Prepared
from tinycomp.proof.checks import add_layer_errors, evaluate_accuracy, warn_of_noise
from tinycomp.quantization.calibration import calibrate
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.ranges import Range
from tinycomp.reference.oracle import run_float
from tinycomp.report.html import html
from tinycomp.report.record import AccuracyRecord, ModelRecord, Report


def checked(graph: Graph, x: Array, deep: float) -> tuple[Report, list[str]]:
    """The report and notes of a build in which tensor `deep` keeps only that share of its range."""
    ranges = calibrate(graph, x, "min-max")
    ranges["deep"] = Range(deep * ranges["deep"].low, deep * ranges["deep"].high)
    quantized, tflite = quantize(graph, ranges), write_tflite(graph)
    labels = run_float(tflite, x)["softmax"].argmax(axis=1)
    data, shape = Dataset(x, None, x, labels), model_shape(graph)
    scored = Scored(shape, find_targets(shape, x, labels, (), "classification"))
    prepared = Prepared(
        quantized, b"", shape, "classification", data, (scored,), float_tflite=tflite, core=graph
    )
    progress = Silent()
    report = Report(ModelRecord("small", "", 0, 0), "host", "small")
    report = add_layer_errors(report, prepared, progress)
    report = evaluate_accuracy(report, prepared, progress)
    return report, [note for note in progress.notes if "Warning" in note]


def test_a_loss_is_reported_with_the_worst_tensor(graph: Graph, inputs: Array) -> None:
    report, (note,) = checked(graph, inputs, 0.02)
    assert report.accuracy is not None
    assert report.accuracy.float == 1
    assert report.accuracy.dense_int8 is not None
    lost = 100 * (1 - report.accuracy.dense_int8)
    assert lost > 2
    assert note.startswith(f"Warning: quantization to int8 loses {lost:.1f} points of top-1. ")
    assert "The largest loss is in 'deep': " in note
    assert "What helps: " in note


@pytest.mark.parametrize(("share", "warned"), [(0.02, True), (1.0, False)])
def test_without_labels_the_float_outputs_are_what_counts(
    share: float, warned: bool, graph: Graph, inputs: Array
) -> None:
    end = graph.outputs[0]
    ranges = calibrate(graph, inputs, "min-max")
    ranges["dense"] = Range(share * ranges["dense"].low, share * ranges["dense"].high)
    shape, data = model_shape(graph), Dataset(inputs, None, inputs, None)
    prepared = Prepared(quantize(graph, ranges), b"", shape, dataset=data, core=graph)
    progress = Silent()
    report = Report(ModelRecord("small", "", 0, 0), "host", "small")
    report = add_layer_errors(report, prepared, progress)
    warn_of_noise(report, prepared, progress)
    assert [note.split(" by ")[0] for note in progress.notes] == warned * [
        f"Warning: int8 puts output {end!r} off the float model's"
    ]
    assert all("What helps: " in note for note in progress.notes)
    labelled = replace(report, accuracy=AccuracyRecord("top-1", 1))
    warn_of_noise(labelled, prepared, progress)
    assert len(progress.notes) == warned


def test_a_model_that_keeps_its_score_gets_no_warning(graph: Graph, inputs: Array) -> None:
    report, notes = checked(graph, inputs, 1.0)
    assert notes == []
    page = html(report)
    assert "Float against int8" in page
    for name, ratio in report.signal_to_noise.items():
        assert f'title="{name}"' in page
        assert f"{ratio:.1f}</td>" in page
