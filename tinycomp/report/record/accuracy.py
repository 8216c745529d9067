"""Scores of a model."""

from __future__ import annotations

from dataclasses import dataclass

Real = float
"""Alias for annotations in classes with a field named `float`."""


@dataclass(frozen=True)
class MetricRecord:
    """One metric of three executions; None: not measured, or not defined on these samples."""

    metric: str
    """Its name."""
    float: Real | None = None
    """Of the float model."""
    dense_int8: Real | None = None
    """Of the int8 model without compression."""
    int8: Real | None = None
    """Of the emitted model, compression included."""


@dataclass(frozen=True)
class HistogramRecord:
    """How the errors of outputs are distributed."""

    what: str
    """The counted quantity, as a phrase."""
    edges: tuple[Real, ...]
    """Bin i is from edges[i] to edges[i + 1]; one more than bins."""
    float: tuple[int, ...]
    """Counts for the float model; empty if there is none."""
    int8: tuple[int, ...]
    """Counts for the emitted model."""


@dataclass(frozen=True)
class OutputRecord:
    """The metrics of one output or label."""

    name: str
    """The class's or label's, or the output's number."""
    metrics: tuple[MetricRecord, ...]
    """Its metrics."""


@dataclass(frozen=True)
class AccuracyRecord:
    """The model's scores: the main metric and others."""

    metric: str
    """The main metric's name."""
    samples: int
    """Number of evaluation samples."""
    float: Real | None = None
    """Of the float model."""
    dense_int8: Real | None = None
    """Of the int8 model without compression."""
    int8: Real | None = None
    """Of the emitted model, compression included."""
    task: str = "classification"
    """The kind of task (data/task.py)."""
    others: tuple[MetricRecord, ...] = ()
    """Further metrics."""
    by_output: tuple[OutputRecord, ...] = ()
    """Metrics per output, if there are several."""
    classes: tuple[str, ...] = ()
    """Names of the rows and columns of `confusion`."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """For classifiers: samples of class i (row) that the emitted model assigns to class j (column).
    """
    errors: HistogramRecord | None = None
    """For regression and reconstruction: the distribution of errors."""
    output: str = ""
    """The name of the output, of a model with several."""

    @property
    def metrics(self) -> tuple[MetricRecord, ...]:
        """All of them, the main one first."""
        return (MetricRecord(self.metric, self.float, self.dense_int8, self.int8), *self.others)
