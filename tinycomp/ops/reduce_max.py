"""REDUCE_MAX over height and width: global max pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class ReduceMax(Operator):
    """Maximum over all positions of each channel."""

    name: ClassVar[str] = "reduce_max"
    tflite_names: ClassVar[tuple[str, ...]] = ("REDUCE_MAX",)
    keras_names: ClassVar[tuple[str, ...]] = ("GlobalMaxPooling2D", "GlobalMaxPooling1D")

    keep_dims: bool = False
