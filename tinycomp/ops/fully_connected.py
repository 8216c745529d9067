"""FULLY_CONNECTED: weights (out, in) on the last axis; rounds once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator
from tinycomp.ops._activation import Activation


@dataclass(frozen=True)
class FullyConnected(Operator):
    """A dense layer."""

    name: ClassVar[str] = "fully_connected"
    tflite_names: ClassVar[tuple[str, ...]] = ("FULLY_CONNECTED",)
    keras_names: ClassVar[tuple[str, ...]] = ("Dense",)
    weight_axis: ClassVar[int | None] = 0

    activation: Activation = Activation.NONE
