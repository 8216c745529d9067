"""Requantization for firmware/kernels/lx6/line.h: a linear function, proven to give the right
output for all possible sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FINE = 11
"""Bits of the multiplier's lower part; a sum has that many bits less than 31."""
SHIFT = 23
"""Right shift of the product, without the bits dropped before."""
SUM_LIMIT = 1 << (31 - FINE)
MULTIPLIER_LIMIT = 1 << 31
NEARBY = 8
"""Number of multipliers to try on each side of the real one."""
_LEAST, _MOST = -128, 127
_FREE = 1 << 62

Integers = NDArray[np.int64]
Outputs = Callable[[Integers], Integers]
"""The int8 outputs of sums, (channels, any number of sums)."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The members `two_sided` and `factors` of a call."""

    two_sided: bool
    """Whether sums with negative outputs, before the zero point, have their own offsets."""
    factors: NDArray[np.int32]
    """Per channel: low, high, multiplier, offset; if two-sided also the other offset, and the first
    non-negative sum.
    """


def lines(
    outputs: Outputs, low: Integers, high: Integers, zero: Integers, slope: NDArray[np.float64]
) -> Lines | None:
    """The lines of all channels; None if one has no such function.

    Args:
        outputs: the function to compute; monotonic.
        low: the smallest sum of each channel in the kernel.
        high: the largest.
        zero: the kernel's sum for a true sum of 0.
        slope: outputs per sum, without bounds.
    """
    first, last = (outputs(bound[:, None])[:, 0] for bound in (low, high))
    constant = first == last
    rises = _rises(outputs, low, high)
    held_low = np.where(constant, 0, _from(rises, first + 1) - 1)
    held_high = np.where(constant, 0, _from(rises, last))
    if held_low.min() < -SUM_LIMIT or held_high.max() >= SUM_LIMIT:
        return None
    points = np.concatenate([rises, rises - 1, np.stack([zero, zero - 1], axis=1)], axis=1)
    bounds = held_low[:, None], held_high[:, None]
    points = np.clip(np.concatenate([*bounds, points], axis=1), *bounds)
    wanted = np.where(constant[:, None], first[:, None], outputs(points))
    real = np.where(constant, 0.0, slope * 2.0 ** (SHIFT + FINE))
    if real.max() >= MULTIPLIER_LIMIT - NEARBY:
        return None
    everywhere = np.full_like(zero, -_FREE)
    for borders in (everywhere, zero):
        found = _offsets(points, wanted, np.rint(real).astype(np.int64), borders)
        if found is not None:
            two_sided = borders is zero
            multiplier, above, below = found
            columns = [held_low, held_high, multiplier, above]
            columns += [below, zero] if two_sided else []
            return Lines(two_sided, _wrapped(np.stack(columns, axis=1)))
    return None


def _rises(outputs: Outputs, low: Integers, high: Integers) -> Integers:
    """The smallest sum of each channel with an output of at least k, for k = -127 ... 127; the
    largest sum plus one if there is none.
    """
    wanted = np.arange(_LEAST + 1, _MOST + 1)
    least = np.repeat(low[:, None], len(wanted), axis=1)
    most = np.repeat(high[:, None] + 1, len(wanted), axis=1)
    while (least < most).any():
        middle = (least + most) // 2
        reached = (outputs(middle) >= wanted) & (middle <= high[:, None])
        reached |= middle > high[:, None]
        most = np.where(reached, middle, most)
        least = np.where(reached, least, np.minimum(middle + 1, most))
    return most


def _from(rises: Integers, output: Integers) -> Integers:
    """The smallest sum of each channel with at least that output."""
    place = np.clip(output - (_LEAST + 1), 0, rises.shape[1] - 1)
    result: Integers = np.take_along_axis(rises, place[:, None], axis=1)[:, 0]
    return result


def _offsets(
    points: Integers, wanted: Integers, real: Integers, zero: Integers
) -> tuple[Integers, Integers, Integers] | None:
    """A multiplier near the real one, and the offsets of sums from `zero` on and of others."""
    multiplier, above, below = np.full_like(real, -1), np.zeros_like(real), np.zeros_like(real)
    upper = points >= zero[:, None]
    for step in sorted(range(-NEARBY, NEARBY + 1), key=abs):
        tried = np.where(real == 0, 0, real + step)
        product = (points * tried[:, None]) >> FINE
        least, most = (wanted << SHIFT) - product, ((wanted + 1) << SHIFT) - 1 - product
        ranges = [
            (np.where(side, least, -_FREE).max(axis=1), np.where(side, most, _FREE).min(axis=1))
            for side in (upper, ~upper)
        ]
        fits = (multiplier < 0) & (tried >= 0)
        for lowest, highest in ranges:
            fits &= lowest <= highest
        multiplier = np.where(fits, tried, multiplier)
        above, below = (
            np.where(fits, np.maximum(lowest, -_FREE // 2), known)
            for (lowest, _), known in zip(ranges, (above, below), strict=True)
        )
    return None if (multiplier < 0).any() else (multiplier, above, below)


def _wrapped(values: Integers) -> NDArray[np.int32]:
    """The lower 32 bits, flat."""
    result: NDArray[np.int32] = (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return result.reshape(-1)
