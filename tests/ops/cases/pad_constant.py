"""Padding by a constant: each end of the range, every axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cases.pad import IMAGE, Padding
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Constant, Shape
from tinycomp.ops.pad_constant import PadConstant


def cases() -> list[Case]:
    return [
        _case((3, 4, 2), IMAGE, -128),
        _case((3, 4, 2), IMAGE, 127),
        _case((5, 3), [((2, 1), (0, 0)), ((0, 2), (1, 4))], 5),
        _case((7,), [((2, 3),), ((0, 1),)], -1),
    ]


def _case(shape: Shape, paddings: Sequence[Padding], value: int) -> Case:
    tied = parameters(0.05, 19)
    builder = CaseBuilder(shape, tied)
    for number, padding in enumerate(paddings):
        constant = Constant(f"value {number}", np.array([value], np.int8), tied)
        builder.add(PadConstant(padding), ["input"], tied, [constant], name=str(padding))
    inputs = extreme_inputs(np.random.default_rng(0), shape)
    return Case(f"{shape}, value {value}", builder.graph(), inputs)
