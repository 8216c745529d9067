"""TANH: a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class Tanh(Operator):
    """Output scale 1/128, zero point 0."""

    name: ClassVar[str] = "tanh"
    tflite_names: ClassVar[tuple[str, ...]] = ("TANH",)
    keras_names: ClassVar[tuple[str, ...]] = ()
