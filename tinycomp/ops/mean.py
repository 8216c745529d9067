"""MEAN over height and width: global average pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class Mean(Operator):
    """Mean over all positions of each channel."""

    name: ClassVar[str] = "mean"
    tflite_names: ClassVar[tuple[str, ...]] = ("MEAN",)
    keras_names: ClassVar[tuple[str, ...]] = ("GlobalAveragePooling2D", "GlobalAveragePooling1D")

    keep_dims: bool = False
