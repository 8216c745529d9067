"""Means: counts that are powers of two and others, ranks, kept axes, different scales, extremes."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs
from reductions import axes_cases
from tables import RESCALED, SOURCES

from tinycomp.ir.tensor import Shape
from tinycomp.ops.mean import Mean

SHAPES = (
    (1, 1, 4),
    (4, 4, 3),
    (7, 5, 10),
    (1, 9, 2),
    (13, 1, 1),
    (6, 8),
    (25, 5),
    (31, 33, 2),
    (16, 16, 4),
)


def cases() -> list[Case]:
    pooled = [_case(shape, number) for number, shape in enumerate(SHAPES)]
    return [*pooled, *axes_cases(Mean, SOURCES[1], RESCALED)]


def _case(shape: Shape, number: int) -> Case:
    builder = CaseBuilder(shape, SOURCES[number % len(SOURCES)])
    for name, output in RESCALED.items():
        builder.add(Mean(keep_dims=True), ["input"], output, name=f"{name}, kept")
        builder.add(Mean(), ["input"], output, name=name)
    inputs = extreme_inputs(np.random.default_rng(number), shape)
    return Case(str(shape), builder.graph(), inputs)
