"""RELU and RELU6: a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class Relu(Operator):
    """max(x, 0), at most max_value; where no operator can carry it as its fused activation."""

    name: ClassVar[str] = "relu"
    tflite_names: ClassVar[tuple[str, ...]] = ("RELU", "RELU6")
    keras_names: ClassVar[tuple[str, ...]] = ("ReLU",)

    max_value: float | None = None
