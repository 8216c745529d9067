"""QUANTIZE from int8 to int8: a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class Quantize(Operator):
    """Other parameters for the same real values."""

    name: ClassVar[str] = "quantize"
    tflite_names: ClassVar[tuple[str, ...]] = ("QUANTIZE",)
    keras_names: ClassVar[tuple[str, ...]] = ()
