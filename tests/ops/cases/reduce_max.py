"""Maxima: ranks, kept axes."""

from __future__ import annotations

from conformance import Case, parameters, unary_case

from tinycomp.ops.reduce_max import ReduceMax


def cases() -> list[Case]:
    tied = parameters(0.05, -3)
    return [
        unary_case(f"{shape}, {kept}", ReduceMax(kept == "kept"), shape, tied, tied)
        for shape in ((1, 1, 4), (3, 2, 7), (1, 4, 2), (5, 1, 1), (2, 8), (1, 5))
        for kept in ("kept", "dropped")
    ]
