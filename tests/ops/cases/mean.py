"""Means: counts that are powers of two and not, ranks, kept axes, scales that differ, extremes."""

from __future__ import annotations

from conformance import Case, parameters, unary_case
from tables import RESCALINGS

from tinycomp.ops.mean import Mean


def cases() -> list[Case]:
    source, output = parameters(0.05, -3), parameters(0.0143, 8)
    shapes = ((1, 1, 4), (4, 4, 3), (7, 5, 10), (1, 9, 2), (13, 1, 1), (6, 8), (25, 5), (31, 33, 2))
    found = [
        unary_case(f"{shape}, {kept}", Mean(kept == "kept"), shape, source, output)
        for shape in shapes
        for kept in ("kept", "dropped")
    ]
    found += [unary_case(name, Mean(), (5, 3, 40), a, b) for name, a, b in RESCALINGS]
    return found
