"""What the example of a project prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tinycomp.data.task import ModelShape
from tinycomp.options.data import Task


@dataclass(frozen=True)
class Example:
    """How the example prints the outputs."""

    shows: Literal["class", "threshold", "error", "values"] = "values"
    """The name of the highest output's class; the name of one of two classes, by one output; the
    mean squared error of a reconstruction; all outputs.
    """
    threshold: float = 0.0
    """The real output from which it is the second class."""


def choose_example(class_names: Sequence[str], shape: ModelShape, task: Task | None) -> Example:
    """The most useful form of a model's outputs."""
    if task == "reconstruction":
        return Example("error")
    if not class_names or task in ("multilabel", "regression") or len(shape.axes) > 1:
        return Example("values")
    if shape.axes:
        return Example("class")
    if len(class_names) != 2:
        return Example("values")
    return Example("threshold", shape.threshold)
