"""Runs a model on evaluation data and scores its outputs, in float and in int8."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinycomp.data.dataset import Dataset
from tinycomp.data.score import Score, Values, score
from tinycomp.data.scored import Scored
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


def evaluate_float(model: bytes, scored: Sequence[Scored], x: Array) -> tuple[Score | None, ...]:
    """The score of each of these outputs of a float .tflite on real inputs; None for one with
    nothing to score.
    """
    if not _any(scored):
        return (None,) * len(scored)
    return _scores(scored, list(run_float(model, x).values()))


def evaluate_int8(graph: Graph, scored: Sequence[Scored], x: Array) -> tuple[Score | None, ...]:
    """The same of an int8 graph in the simulator."""
    if not _any(scored):
        return (None,) * len(scored)
    return _scores(scored, real_outputs(graph, run(graph, quantize_inputs(graph, x))))


def real_outputs(graph: Graph, rows: Array) -> list[Array]:
    """The real values of each output, (samples, *shape), from what the library returns: all of
    them one after the other, (samples, ...).
    """
    flat, start, found = rows.reshape(len(rows), -1), 0, []
    for part in output_parts(graph):
        assert part.quantization is not None
        values = flat[:, start : start + part.size].reshape(len(rows), *part.shape)
        found.append(dequantize_values(values, part.quantization))
        start += part.size
    return found


def _any(scored: Sequence[Scored]) -> bool:
    return any(each.targets.task is not None for each in scored)


def _scores(scored: Sequence[Scored], outputs: Sequence[Array]) -> tuple[Score | None, ...]:
    return tuple(
        score(each.shape, each.targets, outputs[each.shape.place])
        if each.targets.task is not None
        else None
        for each in scored
    )


def accuracy_records(prepared: Prepared, data: Dataset) -> tuple[AccuracyRecord, ...]:
    """The scores of the float model, of int8 without compression, and of the emitted model, for
    each output that is scored; the one that counts is first.
    """
    x, scored = data.x_test, prepared.scored
    int8 = evaluate_int8(prepared.graph, scored, x)
    dense = evaluate_int8(prepared.dense, scored, x) if prepared.dense else int8
    tflite = prepared.float_tflite
    real = evaluate_float(tflite, scored, x) if tflite else (None,) * len(scored)
    own = prepared.graph.class_names
    found = (
        _record(each, each.class_names or (own if each.shape.place == 0 else ()), *scores)
        for each, *scores in zip(scored, real, dense, int8, strict=True)
    )
    return tuple(record for record in found if record is not None)


def _record(
    each: Scored,
    class_names: Sequence[str],
    real: Score | None,
    dense: Score | None,
    int8: Score | None,
) -> AccuracyRecord | None:
    """The scores of one output; None if there is nothing to score."""
    task = each.targets.task
    if int8 is None or dense is None or task is None:
        return None
    names = _names(class_names, len(int8.confusion) or len(int8.by_output))
    return AccuracyRecord(
        int8.metric,
        int8.samples,
        real.value if real else None,
        dense.value,
        int8.value,
        task,
        _metrics(real.others if real else {}, dense.others, int8.others),
        _by_output(names, real, dense, int8),
        names if int8.confusion else (),
        int8.confusion,
        _histogram(task, real, int8),
        each.shape.name,
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
