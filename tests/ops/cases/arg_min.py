"""Places along every axis."""

from __future__ import annotations

from conformance import Case
from places import place_cases

from tinycomp.ops.arg_min import ArgMin


def cases() -> list[Case]:
    return place_cases(ArgMin)
