"""Conformance cases of reductions: ranks, kept axes, every set of axes next to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs

from tinycomp.ir.tensor import QuantizationParameters, Shape
from tinycomp.ops._reduction import Reduction

SHAPES: Sequence[Shape] = ((3, 4, 5), (2, 7), (6,), (1, 5, 2), (2, 3, 2, 4))


def axes_cases(
    kind: type[Reduction],
    source: QuantizationParameters,
    outputs: Mapping[str, QuantizationParameters],
) -> list[Case]:
    found = []
    for shape in SHAPES:
        builder = CaseBuilder(shape, source)
        for first in range(len(shape)):
            for last in range(first + 1, len(shape) + 1):
                for name, output in outputs.items():
                    for keep in (False, True):
                        op = kind.over(range(first, last), len(shape), keep)
                        text = f"{first} to {last}, {name}, {'kept' if keep else 'gone'}"
                        builder.add(op, ["input"], output, name=text)
        inputs = extreme_inputs(np.random.default_rng(len(shape)), shape)
        found.append(Case(f"axes of {shape}", builder.graph(), inputs))
    return found
