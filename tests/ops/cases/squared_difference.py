"""Squared differences: different scales, zero points, saturation, broadcast operands."""

from __future__ import annotations

from conformance import Case
from pairs import broadcast_case, scaled_cases, vector_case

from tinycomp.ops.squared_difference import SquaredDifference

SCALES = (
    (0.1, 0.1, 0.3), (0.1, 0.013, 0.7), (0.02, 0.3, 1.1), (0.5, 0.25, 12.0), (0.3, 0.7, 0.01),
    (1e-4, 0.4, 9.0), (0.1, 0.2, 300.0), (0.5, 0.5, 1.0), (0.37, 0.11, 0.29),
)  # fmt: skip
ZEROS = ((3, -9, -128), (-128, -128, -128), (127, 127, 5), (-128, 127, 127))


def cases() -> list[Case]:
    op = SquaredDifference()
    return [*scaled_cases(op, SCALES, ZEROS), broadcast_case(SquaredDifference), vector_case(op)]
