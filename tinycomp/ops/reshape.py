"""RESHAPE: the same bytes in another shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator


@dataclass(frozen=True)
class Reshape(Operator):
    """Also flatten; costs nothing."""

    name: ClassVar[str] = "reshape"
    tflite_names: ClassVar[tuple[str, ...]] = ("RESHAPE",)
    keras_names: ClassVar[tuple[str, ...]] = ("Reshape", "Flatten")

    shape: tuple[int, ...]
