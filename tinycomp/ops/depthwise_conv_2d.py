"""DEPTHWISE_CONV_2D: weights (1, height, width, channels); rounds twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window


@dataclass(frozen=True)
class DepthwiseConv2D(Operator):
    """Convolution of each channel by itself."""

    name: ClassVar[str] = "depthwise_conv_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("DEPTHWISE_CONV_2D",)
    keras_names: ClassVar[tuple[str, ...]] = ("DepthwiseConv2D", "DepthwiseConv1D", "SeparableConv2D", "SeparableConv1D")
    weight_axis: ClassVar[int | None] = 3

    window: Window
    multiplier: int = 1
    activation: Activation = Activation.NONE
