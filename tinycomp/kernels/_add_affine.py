"""ADD and SUB for firmware/kernels/add_affine.h: an affine function, proven for all inputs."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.fixed_point import requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.kernels._dsp_sums import integer

NEAR = sorted(product(range(-6, 7), repeat=2), key=lambda near: near[0] ** 2 + near[1] ** 2)
"""Differences to the real factors to try, the nearest first."""
INT8 = np.arange(-128, 128, dtype=np.int64)
FREE = 1 << 31
"""Tolerance beyond the activation's bounds, where outputs saturate. Shifted by up to 31 it is still
an int64.
"""


class Affine(NamedTuple):
    """(first * x + second * y + offset) >> shift."""

    first: int
    """Factor of the first input."""
    second: int
    """Factor of the second input."""
    offset: int
    """Includes zero points and rounding."""
    shift: int
    """To the right."""


def add(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The affine kernel's call for any sum, difference and broadcast; None if no such function is
    found (none can round exact ties away from zero).
    """
    found = affine(call)
    if found is None:
        return None
    wide, repeated = found.first, found.second
    if integer(call, "wide") == 1:
        wide, repeated = repeated, wide
    walk = {name: integer(call, name) for name in ("wide", "rows", "size", "period")}
    constants = {
        **walk,
        "wide_factor": wide,
        "repeated_factor": repeated,
        "offset": found.offset,
        "shift": found.shift,
        "activation_min": integer(call, "activation_min"),
        "activation_max": integer(call, "activation_max"),
    }
    return KernelCall("add_affine", constants, in_place=call.in_place)


def affine(call: KernelCall) -> Affine | None:
    """The first function near the real one that gives the output of every pair."""
    bounds = integer(call, "activation_min"), integer(call, "activation_max")
    factors = [_factor(call, side) for side in ("wide", "repeated")]
    first, second = factors if integer(call, "wide") == 0 else reversed(factors)
    return function_of(_outputs(call), (first, second), INT8, bounds)


def function_of(
    outputs: Array, factors: tuple[float, float], others: Array, bounds: tuple[int, int]
) -> Affine | None:
    """The first affine function near the real one that gives these outputs.

    Args:
        outputs: for all int8 values (rows) beside some values of the second input (columns), before
            bounds.
        factors: a step of each input in steps of the output.
        others: the values of the second input.
        bounds: the smallest and the largest output.
    """
    low, high = bounds
    shift = 31 - (int(np.abs(outputs).max()) + 2).bit_length()
    least = np.where(outputs > low, outputs, -FREE) << shift
    beyond = np.where(outputs < high, outputs + 1, FREE) << shift
    first, second = (round(factor * 2**shift) for factor in factors)
    for more, and_more in NEAR:
        a, b = first + more, second + and_more
        products = a * INT8[:, None] + b * others
        offset = max(int((least - products).max()), -(1 << 31) + 1 - int(products.min()))
        if offset < int((beyond - products).min()) and abs(products + offset).max() < 1 << 31:
            return Affine(a, b, offset, shift)
    return None


def _outputs(call: KernelCall) -> Array:
    """The portable kernel's results for the first and second input, without bounds."""
    wide, repeated = (
        requantize(
            (INT8 - integer(call, f"{side}_zero_point")) << 20,
            integer(call, f"{side}_multiplier"),
            integer(call, f"{side}_shift"),
        )
        for side in ("wide", "repeated")
    )
    sums = wide[:, None] + repeated if integer(call, "wide") == 0 else repeated[:, None] + wide
    scaled = requantize(sums, integer(call, "output_multiplier"), integer(call, "output_shift"))
    outputs: Array = scaled + integer(call, "output_zero_point")
    return outputs


def _factor(call: KernelCall, side: str) -> float:
    """One step of an input in steps of the output."""
    return float(
        integer(call, f"{side}_multiplier")
        * integer(call, "output_multiplier")
        * 2.0 ** (integer(call, f"{side}_shift") + integer(call, "output_shift") + 20 - 62)
    )
