"""Requantization constants for firmware/kernels/armv7e_m/rounding.h: rounding once if that is
proven to give the same outputs, else twice.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._merged import OWN, fitting, record_bits
from tinycomp.ir.kernel_call import Channels, KernelCall
from tinycomp.ir.tensor import Array
from tinycomp.kernels._dsp_sums import Sums, channel_pairs, integer, reach
from tinycomp.ops._weighted import SUM_LIMIT

ONCE = -255 << 11
"""The member `rounding` of layers that round once."""
_SHIFT = 44
"""Total right shift of (256 * sum) * multiplier."""
_CONSTANT = 1 << 30
"""The multiplier of a channel with a constant output."""
_NEARBY = 40
"""Number of offsets to try on each side of the one that represents the first rounding."""

_FAR = 64
"""The same where few bytes are wanted."""
_MOST_ZEROS = 8
"""The most zeros at the end of multipliers that are looked for."""

Integers = NDArray[np.int64]


def rounding(
    call: KernelCall, sums: Sums, offsets: Array | int = 0, channels: int = 0, block: int = 0
) -> dict[str, int | Channels]:
    """The members `rounding` and `factors` of a call: what each channel's sums start at, and its
    multiplier.

    Args:
        call: the portable call.
        sums: its channels.
        offsets: what the kernel's products have too much, 256-fold; of each channel.
        channels: how many there have to be at least; those behind the sums' own are zero.
        block: channels whose constants the kernel unpacks at a time; 0 for all.
    """
    found = _once(call, sums, offsets)
    if found is None:
        start, low, multiplier = _twice(sums, offsets)
    else:
        start, low, multiplier = found
        start = start - offsets
    more = max(0, channels - len(low))
    start, low, multiplier = (np.pad(each, (0, more)) for each in (start, low, multiplier))
    return {
        "rounding": 2 * integer(call, "output_zero_point") + 1 if found is None else ONCE,
        "factors": channel_pairs(start, low, multiplier, block, once=found is not None),
    }


def _twice(sums: Sums, offsets: Array | int) -> tuple[Integers, Integers, Integers]:
    """The constants for rounding twice: the start's lowest seven bits are the shift less one."""
    low = sums.shift - 1
    start = 256 * sums.bias - offsets - low
    return start + -start % 128, low, sums.multiplier


def _once(
    call: KernelCall, sums: Sums, offsets: Array | int
) -> tuple[Integers, Integers, Integers] | None:
    """Starts, what is added to them, multipliers; None where negative outputs don't saturate, or
    numbers don't allow it for a channel.

    Twice rounded, an output is at least k above -128 from some sum on, for each k up to 255. Those
    sums lie about on a line, since the first rounding only moves them: by half of what a sum of
    one becomes, 128 / multiplier * 2^31 in a 256-fold sum.
    """
    low, high = reach(sums.weights, sums.bias)
    if integer(call, "output_zero_point") != -128 or (high >= SUM_LIMIT - 2).any():
        return None
    constant = low == high  # a channel without weights; see sums_of
    high = np.where(constant, 0, high)
    start = np.where(constant, 4096, 256) * sums.bias
    found = _lines(sums, _highest_of_equal(sums, high)) or _lines(sums, high)
    if found is None:
        return None
    if call.compact and not constant.any():
        found = _short_lines(sums, high, start - offsets) or found
    added, multiplier = (np.where(constant, (0, _CONSTANT)[i], found[i]) for i in range(2))
    return start + added - added % 256, added % 256, multiplier


def _highest_of_equal(sums: Sums, high: Integers) -> Integers:
    """The largest sum of all channels of the same factor: then they share what is found."""
    factors = np.stack([sums.shift, sums.multiplier], axis=1)
    _, group = np.unique(factors, axis=0, return_inverse=True)
    group = group.reshape(-1)
    highest = np.zeros_like(high)
    np.maximum.at(highest, group, high)
    shared: Integers = highest[group]
    return shared


def _lines(sums: Sums, high: Integers) -> tuple[Integers, Integers] | None:
    """What is added to the 256-fold sum of each channel, and its multiplier."""
    least = _least_sums(sums)
    first = np.rint(128 * 2.0**31 / sums.multiplier).astype(np.int64)
    added, multiplier = first.copy(), np.zeros_like(first)
    for step in sorted(range(-_NEARBY, _NEARBY + 1), key=abs):
        (left,) = np.nonzero(multiplier == 0)
        if not left.size:
            break
        added[left] = first[left] + step
        multiplier[left] = _slopes(least[left], high[left], added[left])
    return (added, multiplier) if multiplier.all() else None


def _least_sums(sums: Sums) -> Integers:
    """The smallest sum of each channel with an output of -128 + k, for k = 1 ... 255."""
    steps = 2 * np.arange(1, 256) - 1
    rounded = steps << (sums.shift[:, None] - 1)  # least product rounded up to it
    return -(-((2 * rounded - 1) << 30) // sums.multiplier[:, None])


def _short_lines(sums: Sums, high: Integers, start: Integers) -> tuple[Integers, Integers] | None:
    """The same, with multipliers and starts of few bits (codecs/_merged.py). None if
    that is impossible, or if channels share multipliers, which takes fewer.
    """
    if len(np.unique(sums.multiplier)) <= len(high) // 2:
        return None
    least = _least_sums(sums)
    first = np.rint(128 * 2.0**31 / sums.multiplier).astype(np.int64)
    steps = np.array(sorted(range(-_FAR, _FAR + 1), key=abs))[:, None]
    added = steps + first
    lowest, highest = np.stack([_slope_range(least, high, each) for each in added], axis=1)
    shortest: tuple[Integers, Integers] | None = None
    fewest = 64
    for own, zeros in itertools.product(OWN, range(_MOST_ZEROS + 1)):
        multiplier = -(-lowest >> zeros) << zeros
        fits = (multiplier <= highest) & fitting(start + added, multiplier, own)
        if not fits.any(axis=0).all():
            continue
        chosen = fits.argmax(axis=0), np.arange(len(high))
        found = added[chosen], multiplier[chosen]
        if (bits := record_bits(start + found[0], found[1], own)) < fewest:
            shortest, fewest = found, bits
    return shortest


def _slopes(least: Integers, high: Integers, added: Integers) -> Integers:
    """Of each channel a multiplier with which 256-fold sums and what is added to them reach each
    output at its least sum and not before; 0 where there is none.
    """
    lowest, highest = _slope_range(least, high, added)
    return np.where(lowest <= highest, lowest, 0)


def _slope_range(least: Integers, high: Integers, added: Integers) -> tuple[Integers, Integers]:
    """The least and the greatest of them; none if they are the wrong way round."""
    wanted = (2 * np.arange(1, 256) - 1) << (_SHIFT - 1)
    sums = 256 * least + added[:, None]
    reached = least <= high[:, None]
    lowest = np.where(reached, -(-wanted // sums), 1).max(axis=1)
    highest = np.where(reached, (wanted - 1) // (sums - 256), (1 << 31) - 1).min(axis=1)
    return lowest, np.minimum(highest, (1 << 31) - 1)
