"""Maxima: ranks, kept axes."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters
from reductions import axes_cases

from tinycomp.ir.tensor import Shape
from tinycomp.ops.reduce_max import ReduceMax

SHAPES = ((1, 1, 4), (3, 2, 7), (1, 4, 2), (5, 1, 1), (2, 8), (1, 5))


def cases() -> list[Case]:
    pooled = [_case(shape) for shape in SHAPES]
    tied = parameters(0.05, -3)
    return [*pooled, *axes_cases(ReduceMax, tied, {"tied": tied})]


def _case(shape: Shape) -> Case:
    tied = parameters(0.05, -3)
    builder = CaseBuilder(shape, tied)
    builder.add(ReduceMax(keep_dims=True), ["input"], tied)
    builder.add(ReduceMax(), ["input"], tied)
    return Case(str(shape), builder.graph(), extreme_inputs(np.random.default_rng(0), shape))
