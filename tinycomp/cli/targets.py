"""Arguments of the commands that train: the model, its data, and amounts to reach."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmMgG]?)([bB]?)")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def size(text: str) -> int:
    """Parse a size in bytes such as "12k", "7600" or "1.5M"; k is 1,000."""
    return _amount(text, "a size. Expected bytes, such as 7600 or 12k.", in_bytes=True)


def work(text: str) -> int:
    """Parse a number of multiply-accumulates such as "5M"; k is 1,000."""
    what = "a number of multiply-accumulates. Expected one such as 5M or 750k."
    return _amount(text, what, in_bytes=False)


def _amount(text: str, what: str, *, in_bytes: bool) -> int:
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or not float(found[1]) or (found[3] and not in_bytes):
        raise typer.BadParameter(f"{text!r} is not {what}")
    return int(float(found[1]) * _UNITS[found[2].lower()])


Float = Annotated[
    Path,
    typer.Argument(help="A float model: .keras, .h5, .onnx, .pt2 or .tflite, or a SavedModel."),
]
TrainingData = Annotated[
    Path,
    typer.Option("--data", "-d", help="Samples to train and test on (docs/data.md)."),
]
MinAccuracy = Annotated[
    float | None,
    typer.Option(
        "--min-accuracy",
        min=0.0,
        max=1.0,
        help="The lowest accuracy on validation samples, such as 0.97.",
        show_default=False,
    ),
]
