"""Sums, differences and products with constants for an instruction set's kernels."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Constant
from tinycomp.ops._activation import Activation
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.mul import Mul


def constant_operands(count: int = 24) -> list[Case]:
    """One value for all, one a channel, or one a value of the tensor, on either side; with any zero
    points and bounds; results that saturate, and factors of 1 and more.
    """
    from core_cases import ZERO_POINTS, draws

    found = []
    for i, draw in draws(count, 27):
        shape = (draw.number(1, 4), draw.number(1, 5), draw.of((1, 3, 4, 7, 17)))
        sizes = ((1,), shape[-1:], shape)
        scales = [float(np.exp(draw.rng.uniform(-4, 0))) for _ in range(2)]
        builder = CaseBuilder(shape, parameters(scales[0], int(draw.of(ZERO_POINTS))))
        values = draw.rng.integers(-128, 128, sizes[i % 3]).astype(np.int8)
        constant = Constant("k", values, parameters(scales[1], int(draw.of(ZERO_POINTS))))
        activation = draw.of(tuple(Activation))
        op = (AddConstant(bool(draw.number(0, 1)), activation), Mul(activation))[i % 2]
        pair = ["input", "k"] if draw.number(0, 1) else ["k", "input"]
        size = max(scales) if i % 2 == 0 else 60 * scales[0] * scales[1]
        output = parameters(size * draw.of((0.4, 0.83, 2.5)), int(draw.of(ZERO_POINTS)))
        if i % 12 == 1:
            output = parameters(scales[0] * scales[1] / 3, 0)
        builder.builder.constant("k", values)
        builder.builder.constants["k"] = constant
        builder.add(op, pair, output)
        found.append(Case(f"constant {i}", builder.graph(), extreme_inputs(draw.rng, shape)))
    return found
