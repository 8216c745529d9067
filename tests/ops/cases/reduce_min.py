"""Minima: ranks, axes, kept axes."""

from __future__ import annotations

from conformance import Case, parameters
from reductions import axes_cases

from tinycomp.ops.reduce_min import ReduceMin


def cases() -> list[Case]:
    tied = parameters(0.05, -3)
    return axes_cases(ReduceMin, tied, {"tied": tied})
