"""Means of rows that count: sizes, zero points, ties, no rows."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters
from sequences import with_masked_steps

from tinycomp.ir.tensor import Shape
from tinycomp.ops.counted_mean import CountedMean
from tinycomp.ops.strided_slice import StridedSlice


def cases() -> list[Case]:
    shapes: tuple[Shape, ...] = ((1, 1), (2, 5), (9, 6), (200, 3), (600, 2))
    return [
        *(_case(shape, -3) for shape in shapes),
        *(_case((8, 5), zero) for zero in (-128, 127, 0)),
    ]


def _case(shape: Shape, zero_point: int) -> Case:
    """The first channel is the mask."""
    rng = np.random.default_rng(shape[0] + zero_point + 200)
    source = parameters(0.05, zero_point)
    builder = CaseBuilder(shape, source)
    mask = builder.add(StridedSlice(((0, shape[0], 1), (0, 1, 1))), ["input"], source)
    builder.add(CountedMean(), ["input", mask], source)
    inputs = with_masked_steps(rng, extreme_inputs(rng, shape, samples=12), zero_point)
    return Case(f"{shape}, {zero_point}", builder.graph(), inputs)
