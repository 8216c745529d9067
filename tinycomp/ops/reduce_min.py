"""REDUCE_MIN: keeps scale and zero point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ops._reduction import ExtremeReduction


@dataclass(frozen=True)
class ReduceMin(ExtremeReduction):
    """Minimum along axes, by default over all positions of each channel."""

    name: ClassVar[str] = "reduce_min"
    tflite_names: ClassVar[tuple[str, ...]] = ("REDUCE_MIN",)
    phrase: ClassVar[str] = "A minimum"
    largest: ClassVar[bool] = False
