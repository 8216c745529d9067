"""Concatenations along each axis of one to three, of two to five inputs of different lengths."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir import Shape
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.pad import Pad

LONGER = ((0, 1), (2, 0), (1, 1), (0, 0))
"""How many cells a padding gives each further input, so that they differ in length and content."""


def cases() -> list[Case]:
    found = []
    for shape in ((6,), (4, 3), (3, 4, 2), (1, 2, 1)):
        for axis in range(len(shape)):
            found += [_case(shape, axis, count) for count in (2, 3, 5)]
    found.append(_case((3, 4, 2), -1, 2))
    return found


def _case(shape: Shape, axis: int, count: int) -> Case:
    tied = parameters(0.05, -7)
    builder = CaseBuilder(shape, tied)
    parts = ["input"]
    for longer in LONGER[: count - 1]:
        padding = [(0, 0)] * len(shape)
        padding[axis] = longer
        parts.append(builder.add(Pad(tuple(padding)), ["input"], tied))
    builder.add(Concatenation(axis), parts, tied)
    inputs = extreme_inputs(np.random.default_rng(count), shape)
    return Case(f"{count} of {shape} along {axis}", builder.graph(), inputs)
