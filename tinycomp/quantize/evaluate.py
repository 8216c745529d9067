"""How good a model is on evaluation data: one metric, chosen by what the data knows.

With labels: the share of samples whose highest output is the label's ("top-1"; an only output says
class 1 from 0.5 on). Without labels, where the output has the input's size: the mean squared error
of the reconstruction. Otherwise there is nothing to measure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.data.dataset import Dataset
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.quantize.affine import dequantize_values, quantize_values
from tinycomp.reference.oracle import run_float
from tinycomp.reference.simulate import run

TOP_1 = "top-1"
RECONSTRUCTION = "mean squared error"


@dataclass(frozen=True)
class Score:
    """A metric's value on so many samples. top-1 is a share (0 to 1), more is better."""

    metric: str
    samples: int
    value: float


def evaluate_float(model: bytes, dataset: Dataset) -> Score | None:
    """Run a float .tflite on the evaluation half; None where there is nothing to measure.

    Raises:
        DataError: a label is not a class of the model.
    """
    (outputs,) = run_float(model, dataset.x_test).values()
    return score(outputs, dataset.x_test, dataset.y_test)


def evaluate_int8(graph: Graph, dataset: Dataset) -> Score | None:
    """Run an int8 graph in the simulator on the evaluation half; None: nothing to measure.

    Raises:
        DataError: a label is not a class of the model.
    """
    source = graph.tensors[graph.inputs[0]].quantization
    assert source is not None
    outputs = run(graph, quantize_values(dataset.x_test, source))
    return score_int8(graph, outputs, dataset.x_test, dataset.y_test)


def score_int8(graph: Graph, outputs: Array, x: Array, y: Array | None) -> Score | None:
    """The score of int8 outputs, whoever computed them; arguments as in score."""
    target = graph.tensors[graph.outputs[0]].quantization
    assert target is not None
    return score(dequantize_values(outputs, target), x, y)


def score(outputs: Array, x: Array, y: Array | None) -> Score | None:
    """The score of real outputs (samples, *shape) for inputs x and, where known, class indices y.

    Raises:
        DataError: a label is not a class of the model.
    """
    samples = len(outputs)
    flat = outputs.reshape(samples, -1)
    if y is not None:
        return Score(TOP_1, samples, float(np.mean(_classes(flat, y) == y)))
    if flat.shape == x.reshape(samples, -1).shape:
        error = flat.astype(np.float64) - x.reshape(samples, -1)
        return Score(RECONSTRUCTION, samples, float(np.mean(error**2)))
    return None


def _classes(outputs: Array, y: Array) -> Array:
    """The class that each row of outputs names."""
    classes = max(2, outputs.shape[1])
    if y.min() < 0 or y.max() >= classes:
        raise DataError(
            f"The labels run from {y.min()} to {y.max()}, but the model knows {classes} classes.",
            expected=f"Expected class indices from 0 to {classes - 1}.",
            hint="Check that the data belongs to this model.",
        )
    if outputs.shape[1] == 1:
        return (outputs[:, 0] >= 0.5).astype(np.int64)
    found: Array = outputs.argmax(axis=1)
    return found
