"""Croppings: one to three axes, one side or both, channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Shape
from tinycomp.ops.crop import Crop

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


def cases() -> list[Case]:
    return [
        _case((4, 5, 4), IMAGE, -128),
        _case((4, 5, 4), IMAGE, 127),
        _case((5, 6), [((2, 1), (0, 0)), ((0, 2), (1, 4))], 19),
        _case((7,), [((2, 3),), ((0, 1),)], 19),
    ]


def _case(shape: Shape, croppings: Sequence[Cropping], zero_point: int) -> Case:
    tied = parameters(0.05, zero_point)
    builder = CaseBuilder(shape, tied)
    for cropping in croppings:
        builder.add(Crop(cropping), ["input"], tied, name=str(cropping))
    inputs = extreme_inputs(np.random.default_rng(0), shape)
    return Case(f"{shape}, zero point {zero_point}", builder.graph(), inputs)
