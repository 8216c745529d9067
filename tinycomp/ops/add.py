"""ADD: both inputs rescaled at 20 bits more; rounds twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir import Operator
from tinycomp.ops._activation import Activation


@dataclass(frozen=True)
class Add(Operator):
    """Elementwise sum; the second input may be broadcast."""

    name: ClassVar[str] = "add"
    tflite_names: ClassVar[tuple[str, ...]] = ("ADD",)
    keras_names: ClassVar[tuple[str, ...]] = ("Add",)

    activation: Activation = Activation.NONE
