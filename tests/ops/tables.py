"""Cases and parameters for operators that are tables: all 256 inputs."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, parameters

from tinycomp.ir import Array, Operator, QuantizationParameters

EVERY_INPUT: Array = np.arange(-128, 128, dtype=np.int8).reshape(1, 4, 8, 8)


def table_case(
    name: str, op: Operator, source: QuantizationParameters, output: QuantizationParameters
) -> Case:
    """The operator over all inputs."""
    builder = CaseBuilder(EVERY_INPUT.shape[1:], source)
    builder.add(op, ["input"], output)
    return Case(name, builder.graph(), EVERY_INPUT)


def draw_parameters(
    rng: np.random.Generator, low: float = 1e-4, high: float = 1.0
) -> QuantizationParameters:
    """A scale between the bounds, even in its logarithm; the zero point is often an extreme one."""
    usual = (-128, 0, 127, *rng.integers(-128, 128, 4))
    scale = np.exp(rng.uniform(np.log(low), np.log(high)))
    return parameters(float(scale), int(rng.choice(usual)))


def draw_output(
    rng: np.random.Generator, source: QuantizationParameters, finest: float, coarsest: float
) -> QuantizationParameters:
    """Parameters with a scale between these multiples of the source's."""
    return draw_parameters(rng, source.scale * finest, source.scale * coarsest)


RESCALINGS = (
    ("equal", parameters(0.05, 3), parameters(0.05, 3)),
    ("other zero point", parameters(0.05, -3), parameters(0.05, 100)),
    ("finer", parameters(0.05, -128), parameters(0.0213, -100)),
    ("coarser", parameters(0.0147, 127), parameters(0.1, -7)),
    ("half steps", parameters(0.05, 0), parameters(0.1, 0)),
    ("saturating", parameters(0.7, 20), parameters(0.0001, 5)),
    ("a single step", parameters(1e-4, -20), parameters(0.1, 5)),
)
"""Named pairs of input and output parameters."""
