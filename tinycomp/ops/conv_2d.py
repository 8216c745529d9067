"""CONV_2D: weights (out, height, width, in); rounds twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window


@dataclass(frozen=True)
class Conv2D(Operator):
    """Convolution over height and width."""

    name: ClassVar[str] = "conv_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("CONV_2D",)
    keras_names: ClassVar[tuple[str, ...]] = ("Conv2D", "Conv1D")
    weight_axis: ClassVar[int | None] = 0

    window: Window
    activation: Activation = Activation.NONE
