"""Factors of 47 bits that round every sum as double precision does, for factor_int16.h in
firmware/kernels/generic.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.fixed_point import scale_and_round
from tinycomp.ir.kernel_call import Channels, Member
from tinycomp.ir.tensor import Array

LOWER = 16
"""Bits of a multiplier below the 31 that a register holds."""
TRIED = (1, 0, 2, 3, 5, 8, 12)
"""Multipliers, from the factor itself on: one slightly above rounds ties away from zero on both
sides of it."""
FINE = 22
"""Bits of a double's mantissa below the upper 31."""
_WORD = 1 << 31
_NEAR = 2.0**-20
"""Of an output step: much more than the two factors' products can differ by."""


def row_words(
    members: Sequence[Member], side: Array, order: NDArray[np.int64]
) -> NDArray[np.int32] | None:
    """Three words of each row of weights: initial sum; upper bits of the multiplier; its lower bits
    and the shift. None if a sum could leave 32 bits, or a row has no such multiplier.

    Args:
        members: what rows start at, shifts, and upper bits of mantissas; the mantissas' lower bits;
            upper words of what rows start at, 0 if they are all 0.
        side: the weights, (rows, weights per row).
        order: the channel of each row.
    """
    channels, lower, upper = members
    assert isinstance(channels, Channels)
    assert isinstance(lower, np.ndarray)
    start = channels.start.astype(np.int64)
    reach = np.abs(start)[order] + 32768 * np.abs(side.astype(np.int64)).sum(axis=1)
    if isinstance(upper, np.ndarray) or reach.max() >= _WORD:
        return None
    mantissas = ((channels.multiplier.astype(np.int64) << FINE) + lower)[order]
    found = _multipliers(mantissas.tolist(), channels.low[order].tolist(), reach.tolist())
    if found is None:
        return None
    return np.column_stack([start[order], np.array(found, np.int64)]).astype(np.int32)


def _multipliers(
    mantissas: Sequence[int], shifts: Sequence[int], reach: Sequence[int]
) -> list[tuple[int, int]] | None:
    """Those of all rows; rows with the same factor share one that suits their largest sum."""
    most: dict[tuple[int, int], int] = {}
    for *factor, sums in zip(mantissas, shifts, reach, strict=True):
        most[factor[0], factor[1]] = max(sums, most.get((factor[0], factor[1]), 0))
    known = {factor: multiplier(*factor, sums) for factor, sums in most.items()}
    found = [known[factor] for factor in zip(mantissas, shifts, strict=True)]
    whole = [each for each in found if each is not None]
    return whole if len(whole) == len(found) else None


def multiplier(mantissa: int, shift: int, most: int) -> tuple[int, int] | None:
    """Upper bits of a multiplier; lower bits and shift, in one word, with which the kernel rounds
    every sum of at most `most` as LiteRT does with the factor mantissa * 2^(-22 - shift); None if
    there is none.

    Both are step functions, so they agree if every step is at the same sum.
    """
    total = shift - 32
    if not 1 <= total <= 31:
        return None
    factor = float(mantissa) * 2.0 ** (-FINE - shift)
    sums = _steps(factor, most)
    exact = mantissa >> (FINE - LOWER)
    for more in TRIED:
        upper = (exact + more + (1 << (LOWER - 1))) >> LOWER
        low = exact + more - (upper << LOWER)
        if upper < _WORD and _agree(sums, factor, upper, low, total):
            return upper, (low << 16) + total
    return None


def _steps(factor: float, most: int) -> NDArray[np.int64]:
    """Positive sums around the steps of the output, of those that are nearly ties the only ones
    that two factors can round differently; and a few others.
    """
    levels = np.arange(1, min(32768, int(most * factor) + 2))
    exact = (levels - 0.5) / factor
    first = np.ceil(exact)
    far = np.minimum(first - exact, exact - first + 1) * factor > _NEAR
    first = first[~far | (levels % 1024 == 1)].astype(np.int64)
    near = np.concatenate([first + each for each in (-2, -1, 0, 1)])
    return near[(near > 0) & (near <= most)]


def _agree(sums: NDArray[np.int64], factor: float, upper: int, lower: int, total: int) -> bool:
    for signed in (sums, -sums):
        high = (signed * upper + ((signed * lower) >> LOWER)) >> 32
        found = (high + (1 << (total - 1))) >> total
        wanted = scale_and_round(signed, factor)
        if not np.array_equal(np.clip(found, -32768, 32767), np.clip(wanted, -32768, 32767)):
            return False
    return True
