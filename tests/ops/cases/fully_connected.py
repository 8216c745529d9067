"""Dense layers: one scale or one per channel, leading axes, exact ties, large multipliers,
extremes.
"""

from __future__ import annotations

import numpy as np
from conformance import (
    ACTIVATIONS,
    Case,
    CaseBuilder,
    extreme_inputs,
    parameters,
    weighted_case,
)

from tinycomp.ir.tensor import Constant
from tinycomp.ops.fully_connected import FullyConnected


def cases() -> list[Case]:
    return [*_sizes(), *_activations(), *_values(), *_ties()]


def _sizes() -> list[Case]:
    return [
        weighted_case(
            f"{shape} to {outputs}, {'channel' if per_channel else 'tensor'} scales",
            FullyConnected(),
            shape,
            (outputs, shape[-1]),
            seed=10 * outputs + shape[-1],
            per_channel=per_channel,
        )
        for shape, outputs in (((1,), 1), ((64,), 12), ((37,), 7), ((4, 9), 5), ((3, 2, 8), 6))
        for per_channel in (True, False)
    ]


def _activations() -> list[Case]:
    return [
        weighted_case(
            f"activation {activation.name}",
            FullyConnected(activation),
            (50,),
            (40, 50),
            seed=200 + activation.value,
            zero_points=(17, -20),
        )
        for activation in ACTIVATIONS
    ]


def _values() -> list[Case]:
    op, shape, weights = FullyConnected(), (300,), (200, 300)
    return [
        weighted_case("extreme weights", op, shape, weights, seed=300, extreme=True),
        weighted_case(
            "zero points -128 and 127", op, shape, weights, seed=301, zero_points=(-128, 127)
        ),
        weighted_case(
            "zero points 127 and -128", op, shape, weights, seed=302, zero_points=(127, -128)
        ),
        weighted_case("saturating", op, shape, weights, seed=303, spread=4000),
        weighted_case("nearly all zero", op, shape, weights, seed=304, spread=0.05),
    ]


def _ties() -> list[Case]:
    """Multipliers that are powers of two: many sums are exact ties, of both signs."""
    return [_tie(bits, zero_point) for bits in (0, 1, 2, 5) for zero_point in (0, -128, 30)]


def _tie(bits: int, zero_point: int) -> Case:
    rng = np.random.default_rng(bits)
    source = parameters(0.5, 3)
    constants = (
        Constant("weights", rng.integers(-3, 4, (64, 8)).astype(np.int8), parameters(0.25)),
        Constant("bias", rng.integers(-200, 200, 64).astype(np.int32), parameters(0.125)),
    )
    builder = CaseBuilder((8,), source)
    builder.add(FullyConnected(), ["input"], parameters(0.125 * 2**bits, zero_point), constants)
    inputs = extreme_inputs(rng, (8,), samples=10)
    return Case(f"ties at 2^-{bits}, zero point {zero_point}", builder.graph(), inputs)
