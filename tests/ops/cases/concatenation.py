"""Concatenations along each axis of tensors with one to three axes, of two to five inputs."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Shape
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.pad import Pad

LONGER = ((0, 1), (2, 0), (1, 1), (0, 0))
"""Cells of padding for each further input, so that lengths and contents differ."""


def cases() -> list[Case]:
    return [_case(shape) for shape in ((6,), (4, 3), (3, 4, 2), (1, 2, 1))]


def _case(shape: Shape) -> Case:
    """Every axis, also negative; two, three and five inputs."""
    tied = parameters(0.05, -7)
    builder = CaseBuilder(shape, tied)
    for axis in range(-1, len(shape)):
        parts = ["input"]
        for longer in LONGER:
            padding = [(0, 0)] * len(shape)
            padding[axis] = longer
            parts.append(builder.add(Pad(tuple(padding)), ["input"], tied))
        for count in (2, 3, 5):
            name = f"{count} along {axis}"
            builder.add(Concatenation(axis), parts[:count], tied, name=name)
        builder.add(Concatenation(axis), ["input", "input"], tied, name=f"twice along {axis}")
    inputs = extreme_inputs(np.random.default_rng(0), shape)
    return Case(str(shape), builder.graph(), inputs)
