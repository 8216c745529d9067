"""Padding: one to three axes, one side or both, channels, zero points at the ends of the range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Shape
from tinycomp.ops.pad import Pad

Padding = tuple[tuple[int, int], ...]

IMAGE: Sequence[Padding] = (
    ((0, 0), (0, 0), (0, 0)),
    ((1, 1), (1, 1), (0, 0)),
    ((0, 1), (0, 1), (0, 0)),
    ((2, 0), (0, 0), (0, 0)),
    ((0, 0), (3, 0), (0, 0)),
    ((0, 0), (0, 0), (1, 2)),
    ((1, 2), (3, 4), (5, 6)),
)


def cases() -> list[Case]:
    return [
        _case((3, 4, 2), IMAGE, -128),
        _case((3, 4, 2), IMAGE, 127),
        _case((1, 1, 1), [((0, 3), (2, 0), (0, 1))], 19),
        _case((5, 3), [((2, 1), (0, 0)), ((0, 2), (1, 4))], 19),
        _case((7,), [((2, 3),), ((0, 1),)], 19),
    ]


def _case(shape: Shape, paddings: Sequence[Padding], zero_point: int) -> Case:
    tied = parameters(0.05, zero_point)
    builder = CaseBuilder(shape, tied)
    for padding in paddings:
        builder.add(Pad(padding), ["input"], tied, name=str(padding))
    inputs = extreme_inputs(np.random.default_rng(0), shape)
    return Case(f"{shape}, zero point {zero_point}", builder.graph(), inputs)
