"""The integer arithmetic of the numeric contract, vectorised over NumPy arrays; nothing else computes it.

Source: the TFLite int8 quantization specification as LiteRT's reference kernels execute it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinycomp.ir import Array


class Multiplier(NamedTuple):
    """A real factor multiplier * 2^(shift - 31), the multiplier in [2^30, 2^31) or 0."""

    multiplier: int
    shift: int


def quantize_multiplier(real: float) -> Multiplier:
    """The nearest fixed-point factor to a positive real one; half rounds away from zero (QuantizeMultiplier)."""
    if real == 0.0:
        return Multiplier(0, 0)
    mantissa, exponent = math.frexp(real)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier, exponent = multiplier // 2, exponent + 1
    if exponent < -31:
        return Multiplier(0, 0)
    return Multiplier(multiplier, exponent)


def rounding_doubling_high_multiply(a: Array, b: Array | int) -> Array:
    """SaturatingRoundingDoublingHighMul: the high word of 2ab, rounded; int64 in and out."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.minimum((product + (1 << 30)) >> 31, (1 << 31) - 1)


def rounding_shift_right(x: Array, shift: Array | int) -> Array:
    """RoundingDivideByPOT: x / 2^shift to the nearest, ties away from zero; shift >= 0."""
    x, shift = np.asarray(x, np.int64), np.asarray(shift, np.int64)
    half = np.where(shift > 0, np.left_shift(1, np.maximum(shift - 1, 0)), 0)
    return (x + half + np.where(shift > 0, x >> 63, 0)) >> shift


def requantize(x: Array, multiplier: Array | int, shift: Array | int) -> Array:
    """MultiplyByQuantizedMultiplier with two roundings: convolution, depthwise, add, multiply, ..."""
    shift = np.asarray(shift, np.int64)
    raised = np.asarray(x, np.int64) << np.maximum(shift, 0)
    return rounding_shift_right(rounding_doubling_high_multiply(raised, multiplier), np.maximum(-shift, 0))


def requantize_once(x: Array, multiplier: Array | int, shift: Array | int) -> Array:
    """MultiplyByQuantizedMultiplier with one rounding, half up: fully connected."""
    total = 31 - np.asarray(shift, np.int64)
    return (np.asarray(x, np.int64) * multiplier + (np.int64(1) << (total - 1))) >> total
