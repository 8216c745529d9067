"""Differences: different scales, zero points, activations, saturation, broadcast operands."""

from __future__ import annotations

from dataclasses import replace

from conformance import ACTIVATIONS, Case
from pairs import broadcast_case, scaled_cases, vector_case

from tinycomp.ops.subtract import Subtract

SCALES = (
    (0.1, 0.1, 0.2), (0.1, 0.013, 0.07), (0.002, 0.3, 0.1), (0.5, 0.25, 0.125), (0.3, 0.7, 0.001),
    (1e-5, 0.4, 0.4), (0.1, 0.2, 30.0), (0.5, 0.5, 1.0), (0.37, 0.11, 0.29),
)  # fmt: skip
ZEROS = ((3, -9, 5), (-128, -128, -128), (127, 127, -128), (-128, 127, 127))


def cases() -> list[Case]:
    activations = [
        replace(case, name=activation.name)
        for activation in ACTIVATIONS
        for case in scaled_cases(Subtract(activation), [(0.1, 0.07, 0.1)], [(3, -9, -20)])
    ]
    scales = scaled_cases(Subtract(), SCALES, ZEROS)
    return [*scales, *activations, broadcast_case(Subtract), vector_case(Subtract())]
