"""Sums of two int8 values of different scales, rescaled to a common one with 20 extra bits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import Multiplier, quantize_multiplier, requantize
from tinycomp.ir.tensor import Array, Operands, Value
from tinycomp.ops._quantized import parameters

LEFT_SHIFT = 20
"""Extra bits of both inputs for rescaling to a common scale (the kernels' constant)."""


class SumFactors(NamedTuple):
    """The factors of an addition."""

    first: Multiplier
    """Of the first input, to twice the larger scale."""
    second: Multiplier
    """Of the second input, to twice the larger scale."""
    output: Multiplier
    """Of the sum, to the output's scale."""


def sum_factors(operands: Operands) -> SumFactors:
    """The factors of a node with two inputs.

    Raises:
        ModelError: the output's scale is so fine that its factor is not below 1.
    """
    first, second = (parameters(value).scale for value in operands.inputs)
    target = parameters(operands.output).scale
    common = 2 * max(first, second)
    output = common / (target * (1 << LEFT_SHIFT))
    if output >= 1.0:
        raise ModelError(
            f"{operands.output.name!r} (add) has the scale {target:g} for inputs of {first:g} and "
            f"{second:g}.",
            expected=f"More than 2^-{LEFT_SHIFT - 1} of the larger input's scale.",
            hint="Calibrate with data that makes this sum other than zero.",
        )
    return SumFactors(
        quantize_multiplier(first / common),
        quantize_multiplier(second / common),
        quantize_multiplier(output),
    )


def raised(values: Array, value: Value, factor: Multiplier) -> Array:
    """int8 values of an input in the common scale."""
    centred = np.asarray(values, np.int64) - parameters(value).zero_point
    return requantize(centred << LEFT_SHIFT, *factor)
