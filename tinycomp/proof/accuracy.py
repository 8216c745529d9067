"""Runs a model on evaluation data and scores its outputs, in float and in int8."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinycomp.data.dataset import Dataset
from tinycomp.data.score import Score, Values, score
from tinycomp.data.targets import Targets
from tinycomp.data.task import ModelShape
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, dequantize_values
from tinycomp.passes.bundle_outputs import output_parts
from tinycomp.prepare import Prepared
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.reference.oracle import run_float
from tinycomp.reference.simulate import run
from tinycomp.report.record import (
    AccuracyRecord,
    HistogramRecord,
    MetricRecord,
    OutputRecord,
)  # fmt: skip

_BINS = 24
"""Of a histogram of errors."""
ERRORS = {
    "regression": "output less label",
    "reconstruction": "mean squared error of a sample",
}
"""What is counted for each task that has errors."""


def evaluate_float(model: bytes, shape: ModelShape, x: Array, targets: Targets) -> Score | None:
    """Scores of a float .tflite's first output on real inputs; None with nothing to score."""
    if targets.task is None:
        return None
    outputs = next(iter(run_float(model, x).values()))
    return score(shape, targets, outputs)


def evaluate_int8(graph: Graph, shape: ModelShape, x: Array, targets: Targets) -> Score | None:
    """Scores of an int8 graph's first output in the simulator on real inputs; None if there is
    nothing to score.
    """
    if targets.task is None:
        return None
    first = output_parts(graph)[0]
    assert first.quantization is not None
    values = run(graph, quantize_inputs(graph, x)).reshape(len(x), -1)[:, : first.size]
    outputs = dequantize_values(values.reshape(len(x), *first.shape), first.quantization)
    return score(shape, targets, outputs)


def accuracy_record(prepared: Prepared, data: Dataset, targets: Targets) -> AccuracyRecord | None:
    """The scores of the float model, of int8 without compression, and of the emitted model; None if
    there is nothing to score.
    """
    x, shape = data.x_test, prepared.shape
    int8 = evaluate_int8(prepared.graph, shape, x, targets)
    dense = evaluate_int8(prepared.dense, shape, x, targets) if prepared.dense else int8
    tflite = prepared.float_tflite
    real = evaluate_float(tflite, shape, x, targets) if tflite else None
    if int8 is None or dense is None or targets.task is None:
        return None
    names = _names(
        data.class_names or prepared.graph.class_names, len(int8.confusion) or len(int8.by_output)
    )
    return AccuracyRecord(
        int8.metric,
        int8.samples,
        real.value if real else None,
        dense.value,
        int8.value,
        targets.task,
        _metrics(real.others if real else {}, dense.others, int8.others),
        _by_output(names, real, dense, int8),
        names if int8.confusion else (),
        int8.confusion,
        _histogram(targets.task, real, int8),
    )


def _histogram(task: str, real: Score | None, int8: Score) -> HistogramRecord | None:
    """The errors of both executions in the same bins; None for tasks without errors."""
    if int8.errors is None:
        return None
    before = real.errors if real is not None and real.errors is not None else None
    both = int8.errors if before is None else np.concatenate([before, int8.errors])
    edges = np.histogram_bin_edges(both, _BINS)

    def counts(errors: Array | None) -> tuple[int, ...]:
        return () if errors is None else tuple(map(int, np.histogram(errors, edges)[0]))

    return HistogramRecord(
        ERRORS[task], tuple(map(float, edges)), counts(before), counts(int8.errors)
    )


def _by_output(
    names: Sequence[str], real: Score | None, dense: Score, int8: Score
) -> tuple[OutputRecord, ...]:
    parts = zip(
        names,
        real.by_output if real else ({},) * len(names),
        dense.by_output,
        int8.by_output,
        strict=False,
    )
    return tuple(OutputRecord(name, _metrics(*values)) for name, *values in parts)


def _metrics(real: Values, dense: Values, int8: Values) -> tuple[MetricRecord, ...]:
    """The same metrics of three executions side by side."""
    return tuple(
        MetricRecord(key, real.get(key), dense.get(key), value) for key, value in int8.items()
    )


def _names(known: Sequence[str], count: int) -> tuple[str, ...]:
    """Names of classes or outputs; their numbers if they have no names."""
    return tuple(known) if len(known) == count else tuple(map(str, range(count)))
