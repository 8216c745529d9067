"""AVERAGE_POOL_2D: padding does not count; rounds half away from zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window


@dataclass(frozen=True)
class AveragePool2D(Operator):
    """Mean over a window."""

    name: ClassVar[str] = "average_pool_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("AVERAGE_POOL_2D",)
    keras_names: ClassVar[tuple[str, ...]] = ("AveragePooling2D", "AveragePooling1D")

    window: Window
    activation: Activation = Activation.NONE
