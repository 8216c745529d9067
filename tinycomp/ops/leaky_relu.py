"""LEAKY_RELU: a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class LeakyRelu(Operator):
    """x where positive, else alpha * x; at most max_value."""

    name: ClassVar[str] = "leaky_relu"
    tflite_names: ClassVar[tuple[str, ...]] = ("LEAKY_RELU",)
    keras_names: ClassVar[tuple[str, ...]] = ("LeakyReLU",)

    alpha: float
    max_value: float | None = None
