"""A step of a recipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OutputScore:
    """The score of one of several outputs."""

    output: str
    """Its name."""
    metric: str
    """The metric of the score."""
    value: float
    """On validation samples."""


@dataclass(frozen=True)
class StepRecord:
    """Figures of the model after a step, quantized to int8 and built."""

    name: str
    """Name of the technique."""
    metric: str
    """The metric of the score: "top-1", "accuracy", "mean squared error"."""
    score: float | None
    """Score on validation samples, which are not trained on; None if there are none."""
    parameters: int
    """Number of weights and biases."""
    non_zeros: int
    """Number of nonzero weights."""
    bits: float
    """Average bits per weight, from the entropy of each layer's values."""
    macs: int
    """Multiply-accumulates per inference."""
    constants: int
    """Flash bytes of weights, tables, biases and multipliers."""
    arena: int
    """Bytes of RAM for activations."""
    instructions: float
    """Instructions per inference, predicted by the planner."""
    seconds: float | None
    """Duration of the step without the measurement; None in report.json, which is the same every
    time.
    """
    code: int | None = None
    """Flash bytes of the library's code; None without the board's compiler."""
    others: tuple[OutputScore, ...] = ()
    """Scores of the other outputs of a model with several; `score` is that of the one that counts.
    """
