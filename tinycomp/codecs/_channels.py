"""Packed constants of channels, in bytes, read by firmware/kernels/channels.h.

A header, then a record per channel. Shared factors are in a table before the records, which then
begin with an index, unless there is only one. If channels share only multipliers, a record has its
own small number; if sharing saves nothing, its whole factor. Kernels that want pairs of words also
read records of these two in few bits (_merged.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._merged import APART, bits_of, pack_words, zeros_of
from tinycomp.ir.kernel_call import Channels
from tinycomp.ir.tensor import Array

HEADER = 3
"""Bytes of the header: size of a start, plus APART if small numbers are in the records; its left
shift; number of shared factors, or 0.
"""
FACTOR = 5
"""Bytes of a factor: `low`, multiplier."""
MOST_SHARED = 255
UNPACKING_COST = 16
"""Instructions per channel, counted on a Cortex-M4."""


@dataclass(frozen=True, eq=False)
class _Factors:
    """Factors in one of the three forms of storage."""

    shared: int
    """Number of shared factors, for the header."""
    table: NDArray[np.uint8]
    """Bytes of the shared factors."""
    ahead: NDArray[np.uint8]
    """Shape (channels, bytes): the start of each record."""
    apart: bool = False
    """Whether `low` is stored per channel in the records, apart from the factors."""

    @property
    def size(self) -> int:
        """Bytes of table and records."""
        return self.table.size + self.ahead.size


def pack(channels: Channels) -> NDArray[np.uint8]:
    """The bytes, checked by reading them."""
    factors = np.concatenate(
        [channels.low.view(np.uint8)[:, None], _bytes(channels.multiplier, 4)], axis=1
    )
    without = np.where(np.arange(FACTOR) == 0, 0, factors).astype(np.uint8)
    forms = [
        _shared(factors),
        _shared(without, factors[:, :1]),
        _Factors(0, np.empty(0, np.uint8), factors),
    ]
    form = min((each for each in forms if each is not None), key=lambda each: each.size)
    width, places = _form(channels.start)
    starts = _bytes(channels.start.astype(np.int64) >> places, width)
    header = np.array([width + APART * form.apart, places, form.shared], np.uint8)
    records = np.concatenate([form.ahead, starts], axis=1).reshape(-1)
    packed = np.concatenate([header, form.table, records])
    _check(packed, channels)
    words = pack_words(channels.words, once=channels.once) if channels.pairs else None
    # Two bytes of the header are less than the code for another form.
    return packed if words is None or words.size > packed.size + 2 else words


def merged(packed: NDArray[np.uint8]) -> bool:
    """Whether records are two words, not a start and a factor."""
    return bool(packed[0] >= APART and packed[2] == 0)


def _shared(factors: NDArray[np.uint8], low: NDArray[np.uint8] | None = None) -> _Factors | None:
    """Factors by index, with `low` (channels, 1) separate; None if there are too many."""
    table, indices = np.unique(factors, axis=0, return_inverse=True)
    if len(table) > MOST_SHARED:
        return None
    ahead = [indices.reshape(-1, 1).astype(np.uint8)] if len(table) > 1 else []
    ahead += [np.empty((len(factors), 0), np.uint8) if low is None else low]
    return _Factors(
        len(table), table.reshape(-1), np.concatenate(ahead, axis=1), apart=low is not None
    )


def _form(starts: Array) -> tuple[int, int]:
    """Bytes of a start, and its shift: the common trailing zeros of all starts."""
    places = zeros_of(starts)
    return -(-bits_of(starts.astype(np.int64) >> places) // 8), places


def _bytes(values: Array, count: int) -> NDArray[np.uint8]:
    """Bytes (channels, count), lowest first."""
    places: NDArray[np.uint8] = (values.astype(np.int64)[:, None] >> 8 * np.arange(count)).astype(
        np.uint8
    )
    return places


def unpack(packed: NDArray[np.uint8], count: int) -> tuple[Array, Array, Array]:
    """start, low, multiplier of `count` channels: the reference for the C reader."""
    apart, width = divmod(int(packed[0]), APART)
    places, shared = int(packed[1]), int(packed[2])
    table = packed[HEADER : HEADER + FACTOR * shared].reshape(-1, FACTOR)
    indexed = int(shared > 1)
    ahead = FACTOR if shared == 0 else indexed + apart
    records = packed[HEADER + table.size :].reshape(count, ahead + width)
    if shared == 0:
        factors = records[:, :FACTOR]
    else:
        factors = table[records[:, 0] if indexed else np.zeros(count, np.int64)]
    low = records[:, indexed] if apart else factors[:, 0]
    starts = _numbers(records[:, ahead:]) << places
    multipliers = _numbers(factors[:, 1:]).astype(np.int32)
    return starts.astype(np.int32), low.view(np.int8), multipliers


def _numbers(parts: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Signed numbers from bytes, lowest first."""
    width = parts.shape[1]
    values = (parts.astype(np.int64) << 8 * np.arange(width)).sum(axis=1)
    signs: NDArray[np.int64] = values - ((values >> (8 * width - 1)) << 8 * width)
    return signs


def _check(packed: NDArray[np.uint8], channels: Channels) -> None:
    wanted = (channels.start, channels.low, channels.multiplier)
    found = unpack(packed, len(channels.start))
    for i in range(3):
        if not np.array_equal(found[i], wanted[i]):
            raise AssertionError("constants of channels are not what was packed")
