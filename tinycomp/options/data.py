"""How data are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Task = Literal["classification", "binary", "multilabel", "regression", "reconstruction"]
"""classification: one class of many, by the highest output. binary: one of two, by one output.
multilabel: yes or no per output. regression: outputs are numbers. reconstruction: outputs should
equal the inputs (an autoencoder).
"""

HoldOut = Literal["random", "last"]
"""Which samples of the training half are held out for validation."""


@dataclass(frozen=True)
class DataOptions:
    """How to read data that differ from the convention."""

    x_key: str | None = None
    """The array of inputs, for calibration and evaluation; None: by convention."""
    y_key: str | None = None
    """The array of labels; None: by convention."""
    scale: float = 1.0
    """real = x * scale + offset. For pixels 0..255 and a model trained on 0..1: 1/255."""
    offset: float = 0.0
    """Added after scaling, in real units."""
    calibration_samples: int | None = 500
    """The most calibration samples, evenly spaced; None: all."""
    test_samples: int | None = None
    """The most evaluation samples, evenly spaced; None: all."""
    task: Task | None = None
    """What the model is for; None: inferred from labels and shapes."""
    labels: Path | None = None
    """An .npy of labels for an .npy of inputs; None: the file beside it, y for x."""
    label_column: str | None = None
    """The column of labels of a CSV table, by name or by number from 1; None: by convention."""
    class_names: tuple[str, ...] = ()
    """What the model's outputs stand for, in their order; none: as the data say."""
