"""MUL: rounds twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator
from tinycomp.ops._activation import Activation


@dataclass(frozen=True)
class Mul(Operator):
    """Elementwise product; the second input may be broadcast."""

    name: ClassVar[str] = "mul"
    tflite_names: ClassVar[tuple[str, ...]] = ("MUL",)
    keras_names: ClassVar[tuple[str, ...]] = ("Multiply",)

    activation: Activation = Activation.NONE
