"""CONCATENATION: all inputs share one scale and zero point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class Concatenation(Operator):
    """Inputs side by side along an axis (batch not counted)."""

    name: ClassVar[str] = "concatenation"
    tflite_names: ClassVar[tuple[str, ...]] = ("CONCATENATION",)
    keras_names: ClassVar[tuple[str, ...]] = ("Concatenate",)

    axis: int
