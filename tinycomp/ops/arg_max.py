"""ARG_MAX: the place of the largest value along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ops._arg_extreme import ArgExtreme


@dataclass(frozen=True)
class ArgMax(ArgExtreme):
    """The place of the largest value; of equal ones the first."""

    name: ClassVar[str] = "arg_max"
    tflite_names: ClassVar[tuple[str, ...]] = ("ARG_MAX",)
    phrase: ClassVar[str] = "The largest value"
    largest: ClassVar[bool] = True
