"""MAX_POOL_2D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window


@dataclass(frozen=True)
class MaxPool2D(Operator):
    """Maximum over a window."""

    name: ClassVar[str] = "max_pool_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("MAX_POOL_2D",)
    keras_names: ClassVar[tuple[str, ...]] = ("MaxPooling2D", "MaxPooling1D")

    window: Window
    activation: Activation = Activation.NONE
