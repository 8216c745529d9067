"""Larger and smaller images, whole and broken ratios, all three ways to place cells, extremes."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Shape
from tinycomp.ops.resize_bilinear import ResizeBilinear

WAYS = ((False, False), (True, False), (False, True))
SIZES = ((4, 5), (8, 10), (12, 5), (4, 15), (2, 3), (7, 9), (1, 1), (5, 13), (3, 4))


def cases() -> list[Case]:
    return [
        _case((4, 5, 3), SIZES),
        _case((1, 6, 1), ((2, 17), (1, 3))),
        _case((7, 1, 2), ((31, 2), (40, 1))),
        _case((3, 2, 1), ((96, 2), (3, 64))),
    ]


def _case(shape: Shape, sizes: tuple[tuple[int, int], ...]) -> Case:
    tied = parameters(0.05, -7)
    builder = CaseBuilder(shape, tied)
    for size in sizes:
        for way in WAYS:
            builder.add(ResizeBilinear(size, *way), ["input"], tied, name=f"{size} {way}")
    inputs = extreme_inputs(np.random.default_rng(0), shape, samples=8)
    return Case(f"shape {shape}", builder.graph(), inputs)
