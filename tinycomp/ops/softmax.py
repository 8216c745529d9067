"""SOFTMAX over the last axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class Softmax(Operator):
    """Output scale 1/256, zero point -128."""

    name: ClassVar[str] = "softmax"
    tflite_names: ClassVar[tuple[str, ...]] = ("SOFTMAX",)
    keras_names: ClassVar[tuple[str, ...]] = ("Softmax",)

    beta: float = 1.0
