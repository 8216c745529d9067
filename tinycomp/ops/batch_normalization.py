"""Batch normalization: float only; passes fold it into the operator before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class BatchNormalization(Operator):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta: inputs (x, scale, offset), both (channels,)."""

    name: ClassVar[str] = "batch_normalization"
    tflite_names: ClassVar[tuple[str, ...]] = ()
    keras_names: ClassVar[tuple[str, ...]] = ("BatchNormalization",)
    float_only: ClassVar[bool] = True
