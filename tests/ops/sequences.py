"""Cases of layers over time that are several operators at every step."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, channel_parameters, extreme_inputs, parameters

from tinycomp.ir.tensor import Constant, Shape
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops._recurrent_steps import TYPES

SIZES: tuple[tuple[Shape, int], ...] = (
    ((1, 1), 1), ((5, 3), 2), ((12, 9), 16), ((6, 6), 5), ((2, 30), 21),
)  # fmt: skip
"""Of the input, and units."""


def sequence_case(
    name: str,
    op: Recurrent,
    shape: Shape,
    units: int,
    *,
    seed: int,
    zero_point: int = -3,
    gain: float = 1.0,
    bias: float = 1.0,
    values: tuple[int, ...] = (),
    dtype: str = "int8",
) -> Case:
    """A layer whose sums are of about `gain` over the input, and biases of about `bias`.

    Args:
        values: of the weights; none given: all.
        dtype: of activations; zero points are 0 on int16, and scales are so much finer.
    """
    rng = np.random.default_rng(seed)
    kind = TYPES[dtype]
    finer = (kind.highest + 1) / 128
    zero_point = zero_point if dtype == "int8" else 0
    source = parameters(float(rng.uniform(0.005, 0.05)) / finer, zero_point)
    rows, length = op.gates * units, shape[1] + units
    weights = rng.integers(-127, 128, (rows, length))
    if values:
        weights = rng.choice(values, (rows, length))
    wanted = gain / (source.scale * finer * 74 * 73 * np.sqrt(shape[1]))
    scales = (wanted * np.exp(rng.uniform(-0.5, 0.5, rows))).astype(np.float32)
    count = op.biases(units)
    bias_scales = op.bias_scales(source.scale, scales, count, dtype)
    biases = np.rint(rng.normal(0, bias, count) / bias_scales).astype(kind.bias)
    builder = CaseBuilder(shape, source, dtype)
    constants = (
        Constant("weights", weights.astype(np.int8), channel_parameters(scales, 0)),
        Constant("bias", biases, channel_parameters(bias_scales, 0)),
    )
    state = op.state if getattr(op, "activation", None) else kind.state  # type: ignore[attr-defined]
    builder.add(op, ["input"], state, constants)
    return Case(name, builder.graph(), extreme_inputs(rng, shape, dtype=dtype))
