"""REDUCE_MAX: keeps scale and zero point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ops._reduction import ExtremeReduction


@dataclass(frozen=True)
class ReduceMax(ExtremeReduction):
    """Maximum along axes, by default over all positions of each channel."""

    name: ClassVar[str] = "reduce_max"
    tflite_names: ClassVar[tuple[str, ...]] = ("REDUCE_MAX",)
    keras_names: ClassVar[tuple[str, ...]] = ("GlobalMaxPooling2D",)
    phrase: ClassVar[str] = "A maximum"
    largest: ClassVar[bool] = True
