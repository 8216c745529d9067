"""ARG_MIN: the place of the smallest value along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ops._arg_extreme import ArgExtreme


@dataclass(frozen=True)
class ArgMin(ArgExtreme):
    """The place of the smallest value; of equal ones the first."""

    name: ClassVar[str] = "arg_min"
    tflite_names: ClassVar[tuple[str, ...]] = ("ARG_MIN",)
    phrase: ClassVar[str] = "The smallest value"
    largest: ClassVar[bool] = False
