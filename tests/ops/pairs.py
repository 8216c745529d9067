"""Conformance cases of operators of two tensors: all pairs of values, broadcast operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Shape
from tinycomp.ops._window import Window
from tinycomp.ops.lookup import Lookup
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reshape import Reshape

SHAPE: Shape = (4, 5, 6)
SHUFFLED = Lookup(np.random.default_rng(6).permutation(256).astype(np.uint8).tobytes())
A, B, C = parameters(0.1, 3), parameters(0.07, -9), parameters(0.12, 5)

Scales = Sequence[tuple[float, float, float]]


def scaled_cases(op: Operator, scales: Scales, zeros: Sequence[tuple[int, int, int]]) -> list[Case]:
    """One case for each choice of scales, with alternating zero points."""
    found = []
    for number, choice in enumerate(scales):
        first, second, output = map(parameters, choice, zeros[number % len(zeros)])
        builder = CaseBuilder(SHAPE, first)
        shuffled = builder.add(SHUFFLED, ["input"], second)
        builder.add(op, ["input", shuffled], output)
        inputs = extreme_inputs(np.random.default_rng(number), SHAPE, samples=20)
        found.append(Case(f"{choice}", builder.graph(), inputs))
    return found


def broadcast_case(make: Callable[[], Operator]) -> Case:
    """Broadcasts of a row, channels, one axis and one value on either side; a tensor with itself;
    in place.
    """
    builder = CaseBuilder(SHAPE, A)
    shuffled = builder.add(SHUFFLED, ["input"], B)
    row = builder.add(MaxPool2D(Window((4, 1))), [shuffled], B)
    channels = builder.add(ReduceMax(keep_dims=True), [shuffled], B)
    axis = builder.add(ReduceMax(), [shuffled], B)
    flat = builder.add(Reshape((20, 6, 1)), [shuffled], B)
    value = builder.add(ReduceMax(), [flat], B)
    for name, narrow in (
        ("row", row), ("channels", channels), ("axis", axis), ("value", value), ("self", "input"),
    ):  # fmt: skip
        builder.add(make(), [narrow, "input"], C, name=f"{name}, first")
        last = builder.add(make(), ["input", narrow], C, name=f"{name}, second")
    moved = builder.add(Quantize(), ["input"], A)
    builder.add(make(), [moved, last], C, name="in place")
    return Case("broadcast", builder.graph(), extreme_inputs(np.random.default_rng(1), SHAPE))


def vector_case(op: Operator) -> Case:
    """A case with tensors of one axis."""
    builder = CaseBuilder((23,), A)
    builder.add(op, ["input", builder.add(SHUFFLED, ["input"], B)], C)
    return Case("vectors", builder.graph(), extreme_inputs(np.random.default_rng(2), (23,)))
