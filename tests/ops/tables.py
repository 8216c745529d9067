"""Cases and parameters for table operators: all 256 inputs, many output parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from conformance import Case, CaseBuilder, parameters

from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, QuantizationParameters

EVERY_INPUT: Array = np.arange(-128, 128, dtype=np.int8).reshape(1, 4, 8, 8)

Functions = Mapping[str, tuple[Operator, QuantizationParameters]]
"""Operators and output parameters, by name of the output."""


def table_case(name: str, source: QuantizationParameters, functions: Functions) -> Case:
    """A case that applies each operator to all inputs."""
    builder = CaseBuilder(EVERY_INPUT.shape[1:], source)
    for output, (op, quantization) in functions.items():
        builder.add(op, ["input"], quantization, name=output)
    return Case(name, builder.graph(), EVERY_INPUT)


def draw_parameters(
    rng: np.random.Generator, low: float = 1e-4, high: float = 1.0
) -> QuantizationParameters:
    """A scale, log-uniform between the bounds; the zero point is often extreme."""
    usual = (-128, 0, 127, *rng.integers(-128, 128, 4))
    scale = np.exp(rng.uniform(np.log(low), np.log(high)))
    return parameters(float(scale), int(rng.choice(usual)))


def draw_output(
    rng: np.random.Generator, source: QuantizationParameters, finest: float, coarsest: float
) -> QuantizationParameters:
    """Parameters with a scale between the given multiples of the source's."""
    return draw_parameters(rng, source.scale * finest, source.scale * coarsest)


SOURCES = tuple(parameters(0.05, zero_point) for zero_point in (-128, 3, 127))
RESCALED = {
    "saturating": parameters(1e-5, 5),
    "a single step": parameters(20.0, 5),
    "other zero point": parameters(0.05, 100),
    "finer": parameters(0.0213, -100),
    "coarser": parameters(0.34, -7),
    "half steps": parameters(0.1, 0),
    "equal": parameters(0.05, 3),
}
"""Output parameters that cause saturation, coarse outputs, or ties."""
