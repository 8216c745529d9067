"""Scores: the metric that the data allows, and labels that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.common.errors import DataError
from tinycomp.data.dataset import Dataset
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.quantize.calibration import calibrate
from tinycomp.quantize.evaluate import Score, evaluate_float, evaluate_int8, score
from tinycomp.quantize.export import write_tflite
from tinycomp.quantize.post_training import quantize
from tinycomp.reference.oracle import run_float


def test_top_1_is_the_share_of_right_answers() -> None:
    outputs = np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    assert score(outputs, np.zeros((4, 9)), np.array([1, 0, 0, 1])) == Score("top-1", 4, 0.75)


def test_one_output_says_class_1_from_a_half_on() -> None:
    outputs = np.array([[0.5], [0.49], [0.9], [0.1]])
    assert score(outputs, np.zeros((4, 9)), np.array([1, 0, 0, 1])) == Score("top-1", 4, 0.5)


def test_reconstruction_without_labels() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert score(x + np.array([[0, 1], [2, 1]]), x, None) == Score("mean squared error", 2, 1.5)


def test_neither_labels_nor_reconstruction_is_no_score() -> None:
    assert score(np.zeros((3, 2)), np.zeros((3, 4)), None) is None


@pytest.mark.parametrize("labels", [[0, 1, 5], [-1, 0, 1]])
def test_labels_that_are_no_classes(labels: list[int]) -> None:
    with pytest.raises(DataError, match=r"but the model knows 3 classes\. Expected .* 0 to 2\."):
        score(np.zeros((3, 3)), np.zeros((3, 4)), np.array(labels))


def test_int8_agrees_with_float_on_the_float_models_answers(graph: Graph, inputs: Array) -> None:
    model = write_tflite(graph)
    labels = run_float(model, inputs)["softmax"].argmax(axis=1)
    dataset = Dataset(inputs, labels, inputs, labels)
    assert evaluate_float(model, dataset) == Score("top-1", 200, 1.0)
    found = evaluate_int8(quantize(graph, calibrate(graph, inputs)), dataset)
    assert found is not None
    assert (found.metric, found.samples) == ("top-1", 200)
    assert 0.95 < found.value <= 1.0
