"""Conformance cases of places of extremes: every axis, kept or gone, ties, the longest axis."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.operator import NUMBERS
from tinycomp.ir.tensor import Shape
from tinycomp.ops._arg_extreme import ArgExtreme

SHAPES: tuple[Shape, ...] = ((6, 7, 5), (128,), (2, 9), (128, 2), (1, 5, 4), (2, 3, 2, 4))


def place_cases(kind: type[ArgExtreme]) -> list[Case]:
    return [_case(kind, shape) for shape in SHAPES]


def _case(kind: type[ArgExtreme], shape: Shape) -> Case:
    builder = CaseBuilder(shape, parameters(0.05, -3))
    for axis in range(len(shape)):
        for keep in (False, True):
            name = f"axis {axis}, {'kept' if keep else 'gone'}"
            builder.add(kind.over([axis], len(shape), keep), ["input"], NUMBERS, name=name)
    rng = np.random.default_rng(0)
    ties = rng.integers(-1, 2, (2, *shape)).astype(np.int8)
    inputs = np.concatenate([extreme_inputs(rng, shape), ties])
    return Case(f"axes of {shape}", builder.graph(), inputs)
