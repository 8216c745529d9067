"""Sums of two int8 values of different scales, rescaled to a common one with 20 extra bits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import Multiplier, quantize_multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands, Value
from tinycomp.ops._activation import Activation
from tinycomp.ops._broadcast import repeat_fields
from tinycomp.ops._quantized import Clamp, parameters

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


def sum_kernel(operands: Operands, factors: SumFactors, activation: Activation) -> KernelCall:
    """The call of the kernel `add` for two tensors; a negative multiplier subtracts."""
    walk = repeat_fields(operands)
    wide = walk["wide"]
    tensors, clamp = operands.activations, Clamp.of(operands.output, activation)
    fields = {
        **walk,
        "wide_zero_point": parameters(tensors[wide]).zero_point,
        "repeated_zero_point": parameters(tensors[1 - wide]).zero_point,
        "output_zero_point": clamp.zero_point,
        "activation_min": clamp.low,
        "activation_max": clamp.high,
        "wide_shift": factors[wide].shift,
        "repeated_shift": factors[1 - wide].shift,
        "output_shift": factors.output.shift,
        "wide_multiplier": factors[wide].multiplier,
        "repeated_multiplier": factors[1 - wide].multiplier,
        "output_multiplier": factors.output.multiplier,
    }
    return KernelCall("add", fields, in_place=wide == 0)


def raised(values: Array, value: Value, factor: Multiplier) -> Array:
    """int8 values of an input in the common scale."""
    centred = np.asarray(values, np.int64) - parameters(value).zero_point
    return requantize(centred << LEFT_SHIFT, *factor)
