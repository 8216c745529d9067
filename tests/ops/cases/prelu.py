"""Slopes: a single one, per channel, per value; scales, zero points, saturation."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Constant, QuantizationParameters, Shape
from tinycomp.ops.prelu import Prelu

SHAPE: Shape = (4, 5, 6)
SOURCE, SLOPES, OUTPUT = parameters(0.05, -1), parameters(0.02, -9), parameters(0.06, 5)
SCALES = ((0.05, 0.01, 0.05), (0.05, 0.007, 0.013), (0.3, 0.5, 0.001), (0.02, 1e-4, 2.0))
ZEROS = ((-1, -9, 5), (-128, 127, -128), (127, -128, 0), (3, 0, 127))


def cases() -> list[Case]:
    scaled = [
        _case(f"{scales}", (6,), *map(parameters, scales, zeros))
        for scales, zeros in zip(SCALES, ZEROS, strict=True)
    ]
    shapes = [_case(f"slopes {shape}", shape) for shape in (SHAPE, (5, 6), (1, 1, 6), (1,))]
    return [*scaled, *shapes, _case("vector", (7,), shape=(7,))]


def _case(
    name: str,
    slopes: Shape,
    source: QuantizationParameters = SOURCE,
    alpha: QuantizationParameters = SLOPES,
    output: QuantizationParameters = OUTPUT,
    shape: Shape = SHAPE,
) -> Case:
    rng = np.random.default_rng(len(name))
    builder = CaseBuilder(shape, source)
    values = rng.integers(-128, 128, slopes).astype(np.int8)
    builder.add(Prelu(), ["input"], output, [Constant("slopes", values, alpha)])
    return Case(name, builder.graph(), extreme_inputs(rng, shape, samples=8))
