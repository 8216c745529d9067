"""The integer arithmetic of the numeric contract, vectorised. This is its only implementation.

Source: the TFLite int8 quantization specification as LiteRT's reference kernels execute it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array

INT32_MAX = (1 << 31) - 1


class Multiplier(NamedTuple):
    """The real factor multiplier * 2^(shift - 31); multiplier is 0 or in [2^30, 2^31)."""

    multiplier: int
    """0, or the mantissa in [2^30, 2^31)."""
    shift: int
    """To the left; negative: to the right."""


def quantize_multiplier(real: float) -> Multiplier:
    """The fixed-point factor nearest to a positive real one, as TFLite's QuantizeMultiplier."""
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
    high: Array = np.minimum((product + (1 << 30)) >> 31, INT32_MAX)
    return high


def rounding_shift_right(x: Array, shift: Array | int) -> Array:
    """RoundingDivideByPOT: x / 2^shift to the nearest, ties away from zero; shift >= 0."""
    x, shift = np.asarray(x, np.int64), np.asarray(shift, np.int64)
    half = np.left_shift(1, shift) >> 1
    shifted: Array = (x + half + ((x >> 63) & -(shift > 0).astype(np.int64))) >> shift
    return shifted


def requantize(x: Array, multiplier: Array | int, shift: Array | int) -> Array:
    """MultiplyByQuantizedMultiplier, rounding twice: convolutions, add, multiply, ..."""
    shift = np.asarray(shift, np.int64)
    raised = np.asarray(x, np.int64) << np.maximum(shift, 0)
    return rounding_shift_right(
        rounding_doubling_high_multiply(raised, multiplier), np.maximum(-shift, 0)
    )


def reduced_multiplier(multiplier: int) -> int:
    """The upper 15 bits of a multiplier, rounded: for sums on int16."""
    return (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF


def requantize_wide(x: Array, multiplier: Array | int, shift: Array | int) -> Array:
    """MultiplyByQuantizedMultiplier of 64-bit sums, rounding once, half up.

    Args:
        x: below 2^47.
        multiplier: reduced to 15 bits.
        shift: at most 7.
    """
    total = 15 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * multiplier + (np.int64(1) << (total - 1))
    rounded: Array = product >> total
    return rounded


class ExactMultiplier(NamedTuple):
    """Factors (multiplier + extension * 2^-31) * 2^(shift - 31), one per channel."""

    multiplier: NDArray[np.int32]
    """The upper 31 bits of each mantissa."""
    extension: NDArray[np.int32]
    """The lower 31 bits; mostly 0."""
    shift: NDArray[np.int8]
    """To the left; negative: to the right."""


def scale_and_round(x: Array, factor: Array | float) -> Array:
    """x * factor in float64, rounded half away from zero: LiteRT's fully connected layers."""
    product = np.asarray(x, np.float64) * factor
    whole = np.trunc(product)
    rounded: Array = whole + np.sign(product) * (np.abs(product - whole) >= 0.5)
    return rounded.astype(np.int64)


def round_steps(steps: NDArray[np.float32], zero_point: int, dtype: str = "int8") -> Array:
    """Real values in steps of the scale to integers: rounded half away from zero, and saturated.

    NaN counts as zero. The generated header does the same (templates/library/model.h.j2).
    """
    found = np.iinfo(dtype)
    steps = np.clip(np.where(np.isnan(steps), np.float32(0), steps), 2 * found.min, -2 * found.min)
    whole = np.trunc(steps)
    rest = steps - whole
    rounded = whole + (rest >= 0.5) - (rest <= -0.5)
    quantized: Array = np.clip(rounded + zero_point, found.min, found.max).astype(dtype)
    return quantized


def requantize_extended(x: Array, factor: ExactMultiplier) -> Array:
    """x times the factors, rounded once, half up: what the C kernel computes."""
    x, extension = np.asarray(x, np.int64), factor.extension.astype(np.int64)
    total = 31 - factor.shift.astype(np.int64)
    product = x * factor.multiplier + ((x * extension) >> 31)
    rounded: Array = (product + (np.int64(1) << (total - 1))) >> total
    return rounded


def exact_multiplier(factors: NDArray[np.float64], low: int, high: int) -> ExactMultiplier:
    """Fixed-point factors with which requantize_extended equals scale_and_round for every int32.

    Equal after clamping to [low, high]. Both functions are monotonic, so they agree if every step
    of the output is at the same x. Each step bounds the factor from both sides. The nearest 31-bit
    multiplier, or a neighbour of it, is almost always within all bounds; otherwise 31 more bits
    (the extension) are used.
    """
    found = [_exact(float(factor), low, high) for factor in factors]
    multipliers, extensions, shifts = zip(*found, strict=True) if found else ((), (), ())
    return ExactMultiplier(
        np.array(multipliers, np.int32), np.array(extensions, np.int32), np.array(shifts, np.int8)
    )


@lru_cache(maxsize=1 << 16)
def _exact(factor: float, low: int, high: int) -> tuple[int, int, int]:
    """Multiplier, extension and shift of one channel. A build asks again for each plan."""
    multiplier, shift = quantize_multiplier(factor)
    steps = _steps(factor, np.arange(1, max(high, -low, 1) + 1))
    chosen = _within(multiplier, *_bounds(steps, 31 - shift, low, high))
    if chosen is not None:
        return chosen, 0, shift
    wide = _within(multiplier << 31, *_bounds(steps, 62 - shift, low, high), limit=1 << 62)
    if wide is None:
        raise ArithmeticError(f"no 62-bit multiplier equals {factor!r} for all sums")
    return wide >> 31, wide & INT32_MAX, shift


def _steps(factor: float, levels: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(level, smallest x > 0 that scale_and_round maps to it), where that x is an int32."""
    x = np.maximum(np.ceil((levels - 0.5) / factor) - 2, 1)
    for _ in range(4):
        x = np.where(scale_and_round(x, factor) < levels, x + 1, x)
    reached = x <= INT32_MAX
    return [
        (int(level), int(first)) for level, first in zip(levels[reached], x[reached], strict=True)
    ]


def _bounds(steps: list[tuple[int, int]], total: int, low: int, high: int) -> tuple[int, int]:
    """The smallest and largest m for which (x * m + 2^(total-1)) >> total steps at the right x.

    Half rounds up: above zero the step is where the product reaches the tie, below zero where it
    is past it.
    """
    least, most = 0, 1 << 62
    for level, x in steps:
        tie = (2 * level - 1) << (total - 1)
        if level <= high:
            least, most = (
                max(least, -(-tie // x)),
                min(most, -(-tie // (x - 1)) - 1 if x > 1 else most),
            )
        if level <= -low:
            least, most = max(least, tie // x + 1), min(most, tie // (x - 1) if x > 1 else most)
    return least, most


def _within(value: int, least: int, most: int, limit: int = 1 << 31) -> int | None:
    """The number nearest to value within the bounds and the limit; None if there is none."""
    most = min(most, limit - 1)
    return min(max(value, least), most) if least <= most else None


def divide_rounding(x: Array, count: Array) -> Array:
    """x / count, rounded half away from zero: the mean in integer pooling."""
    mean: Array = np.sign(x) * ((np.abs(x) + count // 2) // count)
    return mean


def reciprocal(count: int) -> tuple[int, int]:
    """(factor, shift) with x // count == (x * factor >> 31) >> shift for 0 <= x <= 129 * count."""
    if not 0 < count <= 1 << 21:
        raise ArithmeticError(f"no reciprocal for a window of {count} cells")
    shift = count.bit_length() - 1
    return (1 << (31 + shift)) // count + 1, shift


class SoftmaxScaling(NamedTuple):
    """How softmax converts a difference of int8 values to fixed point with 5 integer bits.

    Differences below smallest_difference (down to -255) count as minus infinity.
    """

    multiplier: int
    """Of the difference after the shift."""
    shift: int
    """To the left."""
    smallest_difference: int
    """To the maximum, from -255 to 0."""


def softmax_scaling(beta: float, scale: float) -> SoftmaxScaling:
    """The scaling for an input scale (PreprocessSoftmaxScaling and CalculateInputRadius).

    Raises:
        ArithmeticError: beta * scale is too small for 26 fractional bits.
    """
    real = min(float(np.float32(beta)) * scale * (1 << 26), float(INT32_MAX))
    if real <= 1.0:
        raise ArithmeticError(f"a softmax of beta * scale = {beta * scale:g} has no int8 form")
    multiplier, shift = quantize_multiplier(real)
    smallest = max(-255, -((31 << 26) >> shift))
    # At a shift of 31 only the difference 0 is left, which any shift keeps; 30 fits in 32 bits.
    return SoftmaxScaling(multiplier, min(shift, 30), smallest)


def softmax(x: Array, scaling: SoftmaxScaling) -> NDArray[np.int8]:
    """int8 softmax over the last axis, output scale 1/256 and zero point -128.

    If the exponentials add up to 512 or more, all outputs are 0.
    """
    exponentials, shares = _exponentials(x, scaling)
    total = np.minimum(shares.sum(axis=-1, keepdims=True), _SUM_OF_512)
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    scale = one_over_one_plus((total << headroom) - (1 << 31))
    output = rounding_shift_right(
        rounding_doubling_high_multiply(exponentials, scale), 35 - headroom
    )
    return (np.minimum(output, 255) - 128).astype(np.int8)


def softmax_aborts(x: Array, scaling: SoftmaxScaling) -> NDArray[np.bool_]:
    """Whether LiteRT's reference kernel aborts, for each vector along the last axis: it does where
    the exponentials add up to 512 or more.
    """
    reached: NDArray[np.bool_] = _exponentials(x, scaling)[1].sum(axis=-1) >= _SUM_OF_512
    return reached


_SUM_OF_512 = 1 << 28
"""At 19 fractional bits."""


def _exponentials(x: Array, scaling: SoftmaxScaling) -> tuple[Array, Array]:
    """e^(difference to the largest), with 31 and with 19 fractional bits; 0 for minus infinity."""
    differences = np.arange(256)
    rescaled = rounding_doubling_high_multiply(-differences << scaling.shift, scaling.multiplier)
    counts = -differences >= scaling.smallest_difference
    table = np.where(counts, exp_of_negative(np.where(counts, rescaled, 0)), 0)
    wide = np.asarray(x, np.int64)
    below = wide.max(axis=-1, keepdims=True) - wide
    return table[below], rounding_shift_right(table, 12)[below]


def exp_of_negative(x: Array) -> Array:
    """e^x for x <= 0 with 26 fractional bits, as a fraction with 31 (gemmlowp's)."""
    quarter = 1 << 24
    fraction = (x & (quarter - 1)) - quarter
    result = _exp_of_quarter(fraction << 5)
    remainder = fraction - x
    for exponent, factor in enumerate(_EXPONENTIALS):
        lowered = rounding_doubling_high_multiply(result, factor)
        result = np.where(remainder & (quarter << exponent), lowered, result)
    return np.where(x == 0, INT32_MAX, result)


_EXPONENTIALS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""e^-(2^i) for i = -2 ... 4, with 31 fractional bits."""


def _exp_of_quarter(x: Array) -> Array:
    """e^x for -1/4 <= x < 0, 31 fractional bits: a Taylor polynomial of degree 4 around -1/8."""
    multiply, centre = rounding_doubling_high_multiply, 1895147668
    x = x + (1 << 28)
    square = multiply(x, x)
    cube, fourth = multiply(square, x), multiply(square, square)
    tail = multiply(rounding_shift_right(fourth, 2) + cube, 715827883) + square
    return centre + multiply(x + rounding_shift_right(tail, 1), centre)


def one_over_one_plus(x: Array) -> Array:
    """1 / (1 + x) for 0 <= x < 1, 31 fractional bits: three Newton-Raphson steps."""
    multiply = rounding_doubling_high_multiply
    half = (np.asarray(x, np.int64) + INT32_MAX + 1) >> 1
    # 2 integer bits from here. First guess: 48/17 - 32/17 * (half the denominator).
    guess = 1515870810 + multiply(half, -1010580540)
    for _ in range(3):
        guess = guess + (multiply(guess, (1 << 29) - multiply(half, guess)) << 2)
    result: Array = np.minimum(guess << 1, INT32_MAX)
    return result


def inverse_square_root(value: int) -> Multiplier:
    """1 / sqrt(value) as LiteRT computes it for a sum of squares or a centred value: five Newton
    steps with 3 integer bits. Values below 1 count as 1.
    """
    if value <= 1:
        return Multiplier(INT32_MAX, 0)
    shift = 11
    while value >= 1 << 29:
        value //= 4
        shift += 1
    # The value as a number from 1/4 to 1, with 28 fractional bits after it is halved.
    pairs = (31 - value.bit_length()) // 2 - 1
    shift -= pairs
    halved = np.array(value << 2 * pairs, np.int64) >> 1
    multiply = rounding_doubling_high_multiply
    quarter, three_halves = rounding_shift_right(halved, 1), 3 << 27
    root = np.array(1 << 28, np.int64)
    for _ in range(5):
        cube = multiply(multiply(root, root), root) << 6
        root = (multiply(root, three_halves) - multiply(cube, quarter)) << 3
    half_root = 1518500250  # the square root of one half, with 31 fractional bits
    return Multiplier(int(multiply(root, half_root)) << max(0, -shift), -max(0, shift))


class LogSoftmaxScaling(NamedTuple):
    """How LOG_SOFTMAX converts a difference of int8 values to fixed point with 5 integer bits, and
    back.
    """

    multiplier: int
    """Of the difference."""
    shift: int
    """To the left."""
    smallest_difference: int
    """To the maximum; anything below counts as minus infinity in the sum."""
    reverse_multiplier: int
    """From fixed point to a difference."""
    reverse_shift: int
    """To the left, negative."""


def log_softmax_scaling(scale: float) -> LogSoftmaxScaling:
    """The scaling for an input scale (PreprocessLogSoftmaxScalingExp and CalculateInputRadius).

    Raises:
        ArithmeticError: the scale is too small for 26 fractional bits, or too large for 32 bits.
    """
    real = min(scale * (1 << 26), float(INT32_MAX))
    if not 2.0 < real < 1 << 30:
        raise ArithmeticError(f"a logarithm of a softmax of scale {scale:g} has no int8 form")
    multiplier, shift = quantize_multiplier(real)
    reverse = quantize_multiplier((1 << (31 - shift)) / multiplier)
    return LogSoftmaxScaling(multiplier, shift, -((31 << 26) >> shift), *reverse)


def log_softmax(x: Array, scaling: LogSoftmaxScaling) -> NDArray[np.int8]:
    """Logarithms of an int8 softmax over the last axis, output scale 1/16 and zero point 127."""
    wide = np.asarray(x, np.int64)
    difference = wide - wide.max(axis=-1, keepdims=True)
    counts = difference >= scaling.smallest_difference
    fixed = requantize(np.where(counts, difference, 0), scaling.multiplier, scaling.shift)
    shares = np.where(counts, rounding_shift_right(exp_of_negative(fixed), 12), 0)
    logarithm = _log_of_sum(shares.sum(axis=-1, keepdims=True))
    reached = requantize(logarithm - (1 << 31), scaling.reverse_multiplier, scaling.reverse_shift)
    least = np.maximum(scaling.smallest_difference - 1, reached)
    above = difference > least
    fixed = requantize(np.where(above, difference, 0), scaling.multiplier, scaling.shift)
    output = rounding_shift_right(fixed - logarithm, 22) + 127
    return np.where(above, np.clip(output, -128, 127), -128).astype(np.int8)


def _log_of_sum(x: Array) -> Array:
    """The natural logarithm, with 26 fractional bits, of numbers from 1 with 19 fractional bits: a
    quotient of polynomials around the fourth root of one half (gemmlowp's).
    """
    multiply, centre, half_root = rounding_doubling_high_multiply, 1805811301, 1518500250
    headroom = 32 - np.frexp(x.astype(np.float64))[1].astype(np.int64)
    first = np.minimum(multiply(x << (headroom - 1), half_root) << 1, INT32_MAX)
    lowered = multiply(x, half_root)
    below = 31 - np.frexp(lowered.astype(np.float64))[1].astype(np.int64)
    second = np.minimum(x << below, INT32_MAX)
    quarter = 1 << 23
    power = np.maximum(((12 - headroom) << 25) + quarter, ((12 - below) << 25) - quarter)
    ratio = np.minimum(first, second)
    p = (ratio + centre + 1) >> 1
    q = 2 * (ratio - centre)
    square = multiply(q, q)
    numerator = multiply(q, ratio) + multiply(multiply(q, square), 117049297)
    inner = 1057819769 + q + multiply(square, 127690142)
    denominator = multiply(p, inner) + multiply(q, 638450708)
    quotient = multiply(rounding_shift_right(numerator, 6), one_over_one_plus(denominator))
    return (multiply(power, 1488522236) + quotient) << 1
