"""The integer arithmetic compared with exact rational arithmetic, and around every step."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycomp.ir.fixed_point import (
    INT32_MAX,
    ExactMultiplier,
    divide_rounding,
    exact_multiplier,
    exp_of_negative,
    one_over_one_plus,
    quantize_multiplier,
    reciprocal,
    requantize,
    requantize_extended,
    rounding_doubling_high_multiply,
    rounding_shift_right,
    scale_and_round,
    softmax_scaling,
)
from tinycomp.ir.tensor import Array

INT32 = st.integers(-INT32_MAX, INT32_MAX)


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def half_away(value: Fraction) -> int:
    return half_up(abs(value)) * (1 if value >= 0 else -1)


@given(st.floats(1e-9, 1e6))
def test_multiplier_is_the_nearest(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    exact = Fraction(real) / Fraction(2) ** (shift - 31)
    assert abs(multiplier - exact) <= Fraction(1, 2)


def test_multipliers_at_the_edges() -> None:
    assert quantize_multiplier(0.0) == (0, 0)
    assert quantize_multiplier(1.0) == (1 << 30, 1)
    assert quantize_multiplier(np.nextafter(1.0, 0.0)) == (1 << 30, 1), "2^31 folds to 2^30"
    assert quantize_multiplier(2.0**-33) == (0, 0), "smaller than any int32 sum can show"


@given(INT32, st.integers(0, INT32_MAX))
def test_high_multiply_rounds_half_up(a: int, b: int) -> None:
    found = int(rounding_doubling_high_multiply(np.array(a), b))
    assert found == half_up(Fraction(2 * a * b, 1 << 32))


@given(INT32, st.integers(0, 31))
def test_shift_rounds_half_away_from_zero(x: int, shift: int) -> None:
    assert int(rounding_shift_right(np.array(x), shift)) == half_away(Fraction(x, 1 << shift))


@given(st.integers(-(1 << 20), 1 << 20), st.floats(1e-6, 100))
def test_requantize_rounds_twice(x: int, real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    left, right = max(shift, 0), max(-shift, 0)
    high = half_up(Fraction((x << left) * multiplier, 1 << 31))
    assert int(requantize(np.array(x), multiplier, shift)) == half_away(Fraction(high, 1 << right))


@given(st.integers(-(1 << 24), 1 << 24), st.floats(1e-6, 4))
def test_scale_and_round_rounds_half_away_from_zero(x: int, factor: float) -> None:
    product = Fraction(x * factor)  # LiteRT's product is a float64 too
    assert int(scale_and_round(np.array(x), factor)) == half_away(product)


def _around_the_steps(factor: float) -> Array:
    """Sums at and next to every step of the clamped output, on both sides of zero, and far away."""
    steps = np.floor((np.arange(1, 300) - 0.5) / factor).astype(np.int64)
    near = (steps[:, np.newaxis] + np.arange(-2, 4)).ravel()
    near = near[near < INT32_MAX]
    return np.concatenate([near, -near, [0, INT32_MAX >> 1, -(INT32_MAX >> 1)]])


def _require_equal(factor: float, low: int, high: int) -> ExactMultiplier:
    chosen = exact_multiplier(np.array([factor]), low, high)
    sums = _around_the_steps(factor)
    expected = np.clip(scale_and_round(sums, factor), low, high)
    found = np.clip(requantize_extended(sums, chosen), low, high)
    assert np.array_equal(found, expected), factor
    return chosen


def test_exact_multiplier_equals_double_precision_at_every_step() -> None:
    rng = np.random.default_rng(0)
    extended = 0
    for factor in np.exp(rng.uniform(np.log(2.0**-22), np.log(0.9), 400)):
        extended += bool(_require_equal(float(factor), -255, 255).extension[0])
    assert 0 < extended < 200, "the extension is needed now and then, and tested"


@pytest.mark.parametrize("power", range(-20, 1))
def test_exact_multiplier_at_exact_ties(power: int) -> None:
    assert not _require_equal(2.0**power, -128, 127).extension[0]
    _require_equal(3 * 2.0 ** (power - 2), -100, 155)


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-255, 0), (-10, 20)])
def test_exact_multiplier_within_bounds(low: int, high: int) -> None:
    rng = np.random.default_rng(1)
    for factor in np.exp(rng.uniform(-12, 0, 50)):
        _require_equal(float(factor), low, high)


def test_nearest_multiplier_alone_is_not_exact() -> None:
    """The reason for exact multipliers: rounding half up with the nearest multiplier differs at
    ties.
    """
    multiplier, shift = quantize_multiplier(0.25)
    naive = ExactMultiplier(np.array([multiplier]), np.array([0]), np.array([shift]))
    assert int(requantize_extended(np.array([-2]), naive)[0]) == 0
    assert int(scale_and_round(np.array([-2]), 0.25)[0]) == -1


@pytest.mark.parametrize("count", [*range(1, 300), 4080, 4081, 9216, 65535, 1 << 20, 1 << 21])
def test_reciprocal_divides_exactly(count: int) -> None:
    factor, shift = reciprocal(count)
    assert factor < 1 << 32
    quotients = np.arange(1, 130, dtype=np.uint64)
    x = (quotients * np.uint64(count))[:, np.newaxis] + np.array([0, 1], np.uint64)
    x = np.concatenate([x.ravel(), x[:, 0] - np.uint64(1)])
    x = x[x <= 129 * count]
    found = (x * np.uint64(factor) >> np.uint64(31)) >> np.uint64(shift)
    assert np.array_equal(found, x // np.uint64(count))


def test_windows_without_a_reciprocal_are_refused() -> None:
    with pytest.raises(ArithmeticError, match="no reciprocal for a window of 2097153 cells"):
        reciprocal((1 << 21) + 1)


@given(st.integers(-(10**6), 10**6), st.integers(1, 1000))
def test_means_round_half_away_from_zero(x: int, count: int) -> None:
    found = int(divide_rounding(np.array(x), np.array(count)))
    # The kernels add count // 2 before they divide: an odd count has no ties.
    assert found == half_away(Fraction(x, count))


def test_exponentials_and_reciprocals_are_close_to_the_real_ones() -> None:
    """Conformance cases compare the exact bits with LiteRT's; this compares the values."""
    x = -np.arange(0, 1 << 31, 999_983, dtype=np.int64)
    real = np.exp(x / (1 << 26))
    assert np.abs(exp_of_negative(x) / (1 << 31) - real).max() < 1e-6
    fractions = np.arange(0, 1 << 31, 999_983, dtype=np.int64)
    inverse = one_over_one_plus(fractions) / (1 << 31)
    assert np.abs(inverse - 1 / (1 + fractions / (1 << 31))).max() < 1e-6


def test_softmax_scaling_has_bounds() -> None:
    assert softmax_scaling(1.0, 1000.0).smallest_difference == 0
    assert softmax_scaling(1.0, 0.01).smallest_difference == -255
    with pytest.raises(ArithmeticError, match="has no int8 form"):
        softmax_scaling(1.0, 2.0**-26)
