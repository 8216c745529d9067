"""LOGISTIC: a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class Logistic(Operator):
    """The sigmoid; output scale 1/256, zero point -128."""

    name: ClassVar[str] = "logistic"
    tflite_names: ClassVar[tuple[str, ...]] = ("LOGISTIC",)
    keras_names: ClassVar[tuple[str, ...]] = ()
