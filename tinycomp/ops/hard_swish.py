"""HARD_SWISH: a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class HardSwish(Operator):
    """x * relu6(x + 3) / 6."""

    name: ClassVar[str] = "hard_swish"
    tflite_names: ClassVar[tuple[str, ...]] = ("HARD_SWISH",)
    keras_names: ClassVar[tuple[str, ...]] = ()
