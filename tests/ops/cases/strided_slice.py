"""Slices: one to four axes, cropping, strides, reversals, removed axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Shape
from tinycomp.ops.strided_slice import StridedSlice

Cropping = tuple[tuple[int, int], ...]

IMAGE: Sequence[Cropping] = (
    ((0, 0), (0, 0), (0, 0)),
    ((1, 1), (1, 2), (0, 0)),
    ((0, 1), (0, 1), (0, 0)),
    ((3, 0), (0, 0), (0, 0)),
    ((0, 0), (4, 0), (0, 0)),
    ((0, 0), (0, 0), (1, 2)),
    ((2, 1), (1, 3), (2, 1)),
)
WHOLE = ((0, 4, 1), (0, 5, 1), (0, 4, 1))
STEPS = (
    StridedSlice(((0, 2, 2), (1, 2, 3), (0, 4, 1))),
    StridedSlice(((1, 2, 2), (0, 5, 1), (1, 2, 2))),
    StridedSlice(((3, 4, -1), (4, 5, -1), (3, 4, -1))),
    StridedSlice(((2, 2, -2), (4, 2, -3), (0, 4, 1))),
    StridedSlice(((2, 1, 1), *WHOLE[1:]), (0,)),
    StridedSlice((WHOLE[0], (4, 1, 1), WHOLE[2]), (1,)),
    StridedSlice((*WHOLE[:2], (3, 1, 1)), (2,)),
    StridedSlice((WHOLE[0], (1, 1, 1), (2, 1, 1)), (1, 2)),
    StridedSlice(((3, 1, 1), (0, 5, 1), (0, 1, 1)), (0, 2)),
)


def cases() -> list[Case]:
    images = [StridedSlice.cropping((4, 5, 4), each) for each in IMAGE]
    return [
        _case((4, 5, 4), [*images, *STEPS], -128),
        _case((4, 5, 4), images, 127),
        _case(
            (5, 6),
            [
                StridedSlice.cropping((5, 6), ((2, 1), (0, 0))),
                StridedSlice.cropping((5, 6), ((0, 2), (1, 4))),
                StridedSlice(((4, 1, 1), (0, 6, 1)), (0,)),
                StridedSlice(((0, 5, 1), (5, 1, 1)), (1,)),
            ],
            19,
        ),
        _case((7,), [StridedSlice(((2, 2, 1),)), StridedSlice(((6, 4, -2),))], 19),
        _case((2, 3, 2, 5), [StridedSlice(((0, 2, 1), (2, 2, -2), (1, 1, 1), (1, 4, 1)))], 0),
    ]


def _case(shape: Shape, slices: Sequence[StridedSlice], zero_point: int) -> Case:
    tied = parameters(0.05, zero_point)
    builder = CaseBuilder(shape, tied)
    for each in slices:
        builder.add(each, ["input"], tied, name=f"{each.parts} {each.dropped}")
    inputs = extreme_inputs(np.random.default_rng(0), shape)
    return Case(f"{shape}, zero point {zero_point}", builder.graph(), inputs)
