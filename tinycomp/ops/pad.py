"""PAD with the real value zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class Pad(Operator):
    """Zero padding: cells before and after each axis (batch not counted)."""

    name: ClassVar[str] = "pad"
    tflite_names: ClassVar[tuple[str, ...]] = ("PAD",)
    keras_names: ClassVar[tuple[str, ...]] = ("ZeroPadding2D", "ZeroPadding1D")

    padding: tuple[tuple[int, int], ...]
