"""Products of matrices: every transposition, ranks, scales, zero points, saturation."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters
from pairs import SHUFFLED

from tinycomp.ir.tensor import QuantizationParameters, Shape
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.transpose import Transpose

A, B, C = parameters(0.1, 3), parameters(0.07, -9), parameters(2.0, 5)


def cases() -> list[Case]:
    shapes = [_shapes(shape) for shape in ((4, 6), (3, 4, 5), (2, 3, 4, 2))]
    scales = [
        _square(f"scales {scales}", *map(parameters, scales, zeros))
        for scales, zeros in (
            ((0.1, 0.1, 0.3), (-128, 127, 0)),
            ((0.02, 0.5, 0.01), (5, -7, 100)),
            ((0.3, 0.7, 60.0), (127, -128, -128)),
            ((1e-3, 0.4, 0.02), (0, 0, 127)),
        )
    ]
    return [*shapes, *scales]


def _shapes(shape: Shape) -> Case:
    """All four ways to read the matrices, in a case for each rank."""
    builder = CaseBuilder(shape, A)
    turned = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
    shuffled = builder.add(SHUFFLED, ["input"], B)
    across = builder.add(Transpose(turned), [shuffled], B)
    same = builder.add(Reshape(shape), [shuffled], B)
    for name, op, second in (
        ("plain", BatchMatmul(), across),
        ("second", BatchMatmul(False, True), same),
        ("first", BatchMatmul(True), same),
        ("both", BatchMatmul(True, True), across),
    ):
        builder.add(op, ["input", second], C, name=name)
    return Case(f"shape {shape}", builder.graph(), extreme_inputs(np.random.default_rng(1), shape))


def _square(
    name: str,
    first: QuantizationParameters,
    second: QuantizationParameters,
    output: QuantizationParameters,
) -> Case:
    builder = CaseBuilder((7, 7), first)
    shuffled = builder.add(SHUFFLED, ["input"], second)
    builder.add(BatchMatmul(), ["input", shuffled], output)
    return Case(name, builder.graph(), extreme_inputs(np.random.default_rng(2), (7, 7), samples=8))
