"""LSTMs: sizes, scales, zero points, every scale of the cell state, clipping, saturated gates."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, channel_parameters, extreme_inputs, parameters
from sequences import add_mask, with_masked_steps

from tinycomp.ir.tensor import Constant, Shape
from tinycomp.ops.lstm import LEAST_EXPONENT, MOST_EXPONENT, Lstm

GATES = 4


def cases() -> list[Case]:
    return [*_sizes(), *_scales(), *_cells(), *_values()]


def lstm_case(
    name: str,
    shape: Shape,
    units: int,
    *,
    seed: int,
    zero_points: tuple[int, int] = (-3, 5),
    gain: float = 1.0,
    exponent: int = -12,
    output: float = 1 / 128,
    clip: float = 0.0,
    state_scales: tuple[float, ...] | None = None,
    largest: int = 127,
    bias: float = 1.0,
    masked: bool = False,
) -> Case:
    """An LSTM whose gates get sums of about `gain`, and biases of about `bias`; masked: see
    sequences.py.
    """
    rng = np.random.default_rng(seed)
    source = parameters(float(rng.uniform(0.005, 0.05)), zero_points[0])
    length = shape[1] + units
    values = rng.integers(-largest, largest + 1, (GATES * units, length)).astype(np.int8)
    wanted = gain / (source.scale * 74 * 73 * np.sqrt(shape[1]))
    of_gates = (wanted * np.exp(rng.uniform(-0.5, 0.5, GATES))).astype(np.float32)
    scales = np.repeat(of_gates, units)
    bias_scales = np.float32(source.scale) * scales
    biases = np.rint(rng.normal(0, bias, len(scales)) / bias_scales).astype(np.int32)
    builder = CaseBuilder(shape, source)
    op = Lstm(clip, exponent, state_scales)
    constants = (
        Constant("weights", values, channel_parameters(scales, 0)),
        Constant("bias", biases, channel_parameters(bias_scales, 0)),
    )
    target, inputs = parameters(output, zero_points[1]), extreme_inputs(rng, shape)
    if masked:
        mask = add_mask(builder)
        builder.add(op, ["input"], target, constants, behind=[mask])
        inputs = with_masked_steps(rng, inputs, zero_points[0])
    else:
        builder.add(op, ["input"], target, constants)
    return Case(name, builder.graph(), inputs)


def _sizes() -> list[Case]:
    return [
        lstm_case(f"{shape}, {units} units", shape, units, seed=units)
        for shape, units in (((1, 1), 1), ((5, 3), 2), ((14, 28), 20), ((9, 6), 5), ((2, 40), 33))
    ]


def _scales() -> list[Case]:
    zeros = [(-128, 127), (127, -128), (0, 0), (17, -90)]
    return [
        *(
            lstm_case(f"zero points {each}", (12, 5), 7, seed=100 + n, zero_points=each)
            for n, each in enumerate(zeros)
        ),
        lstm_case("fine output", (12, 5), 7, seed=120, output=1e-3),
        lstm_case("coarse output", (12, 5), 7, seed=121, output=0.02),
        lstm_case(
            "other scales of the state", (12, 5), 7, seed=122, state_scales=(0.05, 0.01, 0.02, 0.1)
        ),
        lstm_case("large biases", (12, 5), 7, seed=123, bias=6.0),
    ]


def _cells() -> list[Case]:
    exponents = range(LEAST_EXPONENT, MOST_EXPONENT + 1)
    return [
        *(
            lstm_case(f"cell scale 2^{each}", (15, 4), 6, seed=200 - each, exponent=each, bias=2.0)
            for each in exponents
        ),
        lstm_case("clipped cell", (15, 4), 6, seed=220, clip=0.75, bias=3.0),
        lstm_case("clip beyond the cell's range", (15, 4), 6, seed=221, clip=10.0, bias=4.0),
    ]


def _values() -> list[Case]:
    return [
        lstm_case("masked", (12, 5), 8, seed=310, masked=True),
        lstm_case(
            "masked, other zero points", (12, 5), 7, seed=311, zero_points=(-128, 90), masked=True
        ),
        lstm_case("masked, one step", (1, 5), 7, seed=312, masked=True),
        lstm_case("saturated gates", (20, 5), 6, seed=300, gain=60.0),
        lstm_case("hardly any input", (20, 5), 6, seed=301, gain=0.01, bias=0.3),
        lstm_case("few values of weights", (20, 5), 6, seed=302, largest=1),
    ]
