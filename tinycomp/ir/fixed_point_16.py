"""Sigmoid and tanh of int16 values in LiteRT's integer LSTM: gemmlowp's fixed-point arithmetic.

A fixed-point format has a number of integer bits, and 15 minus that many fractional bits.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.fixed_point import rounding_shift_right
from tinycomp.ir.tensor import Array

INT16_MIN, INT16_MAX = -(1 << 15), (1 << 15) - 1
GATE_BITS = 3
"""Integer bits of what goes into the sigmoids and the tanh of an LSTM's gates."""

_EXPONENTIALS = (25520, 19875, 12055, 4435, 600, 11, 0)
"""e^-(2^i) for i = -2 ... 4, with 15 fractional bits."""


def saturate(x: Array) -> Array:
    """The nearest int16 value, as int64."""
    found: Array = np.clip(x, INT16_MIN, INT16_MAX)
    return found


@cache
def sigmoid_table() -> NDArray[np.int16]:
    """Sigmoid of all int16 values with GATE_BITS integer bits, from -32768; 15 fractional bits."""
    x = np.arange(INT16_MIN, INT16_MAX + 1, dtype=np.int64)
    positive = _shift_left(_newton(_exp_of_negative(-np.abs(x), GATE_BITS)), 1)
    values = np.where(x > 0, positive, INT16_MAX - positive)
    return np.where(x == 0, 1 << 14, values).astype(np.int16)


@cache
def tanh_table(integer_bits: int) -> NDArray[np.int16]:
    """Tanh of all int16 values with 0 to 6 integer bits, from -32768; 15 fractional bits."""
    x = np.arange(INT16_MIN, INT16_MAX + 1, dtype=np.int64)
    exponential = _exp_of_negative(-np.abs(x), integer_bits + 1)
    magnitude = _shift_left(_newton(exponential) - (1 << 13), 2)
    values = np.where(x < 0, -magnitude, magnitude)
    return np.where(x == 0, 0, values).astype(np.int16)


def _multiply(x: Array, y: Array | int) -> Array:
    """Half of the product, rounded; -1 times -1 saturates."""
    doubled: Array = x * y + (1 << 14)
    product: Array = np.minimum(doubled >> 15, INT16_MAX)
    return product


def _shift_left(x: Array, bits: int) -> Array:
    return saturate(x << bits)


def _exp_of_negative(x: Array, integer_bits: int) -> Array:
    """e^x for x <= 0, 15 fractional bits: a polynomial for the last quarter, and a factor for each
    bit of the rest.
    """
    quarter = 1 << (13 - integer_bits)
    fraction = (x & (quarter - 1)) - quarter
    result = _exp_of_quarter(_shift_left(fraction, integer_bits))
    remainder = fraction - x
    for number, factor in enumerate(_EXPONENTIALS[: integer_bits + 2]):
        lowered = _multiply(result, factor)
        result = np.where(remainder & (quarter << number), lowered, result)
    if integer_bits > 5:
        result = np.where(x < -(32 << (15 - integer_bits)), 0, result)
    return np.where(x == 0, INT16_MAX, result)


def _exp_of_quarter(x: Array) -> Array:
    """e^x for -1/4 <= x < 0: a Taylor polynomial of degree 4 around -1/8."""
    centre, third = 28918, 10923
    x = x + (1 << 12)
    square = _multiply(x, x)
    cube, fourth = _multiply(square, x), _multiply(square, square)
    tail = _multiply(rounding_shift_right(fourth, 2) + cube, third) + square
    return saturate(centre + _multiply(x + rounding_shift_right(tail, 1), centre))


def _newton(x: Array) -> Array:
    """2 / (1 + x) with 13 fractional bits: three Newton-Raphson steps."""
    half: Array = (x + INT16_MAX + 1) >> 1
    guess: Array = 23130 + _multiply(half, -15420)
    for _ in range(3):
        rest = (1 << 13) - _multiply(half, guess)
        guess = guess + _shift_left(_multiply(guess, rest), 2)
    return guess
