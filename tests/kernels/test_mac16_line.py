"""Linear functions give the exact output of every accumulator value."""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.ir.fixed_point import requantize
from tinycomp.kernels._mac16_line import FINE, SHIFT, Integers, Lines, lines

CHANNELS = 6


def drawn(seed: int, zero_point: int) -> tuple[Lines | None, Integers, Integers]:
    """The lines of channels with accumulators up to a few thousand or a few hundred thousand, all
    values of the widest channel, and the outputs.
    """
    rng = np.random.default_rng(seed)
    multiplier = rng.integers(1 << 30, (1 << 31) - 1, CHANNELS)
    shift = -rng.integers(4, 10, CHANNELS)
    reach = rng.integers(1000, 200_000, CHANNELS)
    offset = rng.integers(-20_000, 20_000, CHANNELS)

    def outputs(sums: Integers) -> Integers:
        scaled = requantize(sums + offset[:, None], multiplier[:, None], shift[:, None])
        result: Integers = np.clip(scaled + zero_point, -128, 127)
        return result

    found = lines(outputs, -reach, reach, -offset, multiplier * 2.0 ** (shift - 31))
    sums = np.clip(np.arange(-reach.max(), reach.max() + 1), -reach[:, None], reach[:, None])
    return found, sums, outputs(sums)


def computed(found: Lines, sums: Integers) -> Integers:
    """The computation of firmware/kernels/lx6/line.h, word by word."""
    factors = found.factors.reshape(CHANNELS, -1).astype(np.int64)
    low, high, multiplier, above = (column[:, None] for column in factors.T[:4])
    below, zero = (
        column[:, None] for column in (factors.T[4:] if found.two_sided else (above,) * 2)
    )
    held = np.clip(sums, low, high)
    fine = held * (multiplier % (1 << FINE))
    assert np.abs(fine).max() < 1 << 31
    offset = np.where(held >= zero, above, below) if found.two_sided else above
    word = (held * (multiplier >> FINE) + (fine >> FINE) + offset) & 0xFFFFFFFF
    result: Integers = word.astype(np.uint32).view(np.int32).astype(np.int64) >> SHIFT
    return result


@pytest.mark.parametrize("zero_point", [-128, -3, 60])
@pytest.mark.parametrize("seed", range(3))
def test_every_sum_has_its_output(seed: int, zero_point: int) -> None:
    found, sums, outputs = drawn(seed, zero_point)
    assert found is not None
    assert found.two_sided == (zero_point != -128)
    assert np.array_equal(computed(found, sums), outputs)


def test_outputs_that_are_not_linear_have_no_line() -> None:
    def outputs(sums: Integers) -> Integers:
        result: Integers = np.clip(sums * np.abs(sums) // 1000, -128, 127)
        return result

    reach, zero = np.array([1000]), np.array([0])
    assert lines(outputs, -reach, reach, zero, np.array([0.5])) is None


def test_sums_beyond_twenty_bits_have_no_line() -> None:
    def outputs(sums: Integers) -> Integers:
        result: Integers = np.clip(sums >> 14, -128, 127)
        return result

    reach, zero = np.array([1 << 22]), np.array([0])
    assert lines(outputs, -reach, reach, zero, np.array([2.0**-14])) is None
