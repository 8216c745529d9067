"""Optimal canonical prefix codes, and their storage in blocks that a decoder can start at;
firmware/codecs/prefix_code.h reads both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array

LONGEST = 12
"""The longest code in bits: with 1 + 4 bits for zeros it fits what the decoder buffers."""
READ_BEYOND = 3
"""Bytes that the decoder may read past the last code."""


@dataclass(frozen=True, eq=False)
class PrefixCode:
    """A canonical prefix code."""

    values: NDArray[np.int8]
    """In code order."""
    lengths: NDArray[np.int64]
    """Lengths of the codes in bits, ascending."""

    @classmethod
    def of(cls, values: NDArray[np.int8]) -> PrefixCode:
        """The code in which these values (at least one) take the fewest bits."""
        distinct, counts = np.unique(values, return_counts=True)
        lengths = code_lengths(counts.tolist(), LONGEST)
        order = np.argsort(lengths, kind="stable")
        return cls(distinct[order], lengths[order])

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """Each code as a number: the previous one plus 1, shifted left where codes get longer."""
        spans = 1 << (LONGEST - self.lengths)
        codes: NDArray[np.int64] = (np.cumsum(spans) - spans) >> (LONGEST - self.lengths)
        return codes

    def bits(self, values: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The codes of these values, and their lengths."""
        places = np.zeros(256, np.int64)
        places[self.values.astype(np.int64) + 128] = np.arange(self.values.size)
        found = places[values.astype(np.int64) + 128]
        return self.codes[found], self.lengths[found]

    @cached_property
    def table(self) -> NDArray[np.uint16]:
        """Two entries per length, ascending: its last code, filled with ones to 16 bits; and
        16 * (its first code less the number of shorter codes), plus the length.
        """
        lengths, first, counts = np.unique(self.lengths, return_index=True, return_counts=True)
        last = ((self.codes[first + counts - 1] + 1) << (16 - lengths)) - 1
        less = 16 * (self.codes[first] - first) + lengths
        return np.stack([last, less], axis=1).astype(np.uint16).reshape(-1)


def code_lengths(counts: Sequence[int], longest: int) -> NDArray[np.int64]:
    """Code lengths up to `longest` that minimise the sum of counts * lengths.

    L. Larmore and D. Hirschberg, "A fast algorithm for optimal length-limited Huffman codes", 1990
    (package-merge). A single value has a code of one bit.
    """
    if len(counts) == 1:
        return np.ones(1, np.int64)
    order = np.argsort(counts, kind="stable")
    single = np.asarray(counts, np.int64)[order]
    merged, packaged = single, []
    for _ in range(longest - 1):
        pairs = merged[: len(merged) // 2 * 2].reshape(-1, 2).sum(axis=1)
        both = np.concatenate([single, pairs])
        sorted_both = np.argsort(both, kind="stable")
        packaged.append(sorted_both >= len(single))
        merged = both[sorted_both]
    lengths, taken = np.zeros(len(counts), np.int64), 2 * len(counts) - 2
    for is_package in reversed(packaged):
        packages = int(is_package[:taken].sum())
        lengths[order[: taken - packages]] += 1
        taken = 2 * packages
    lengths[order[:taken]] += 1
    return lengths


def least_bytes(values: NDArray[np.int8], more: float = 0.0) -> float:
    """A lower bound of the bytes of values in a prefix code, and `more` bits beside each: their
    entropy (C. Shannon, "A mathematical theory of communication", 1948).
    """
    counts = np.bincount(values.reshape(-1).astype(np.int64) + 128)
    counts = counts[counts > 0]
    shares = counts / max(1, values.size)
    return float(values.size * (more - shares @ np.log2(shares)) / 8)


def join(numbers: Array, lengths: Array) -> NDArray[np.uint8]:
    """Numbers of `lengths` bits each (0 to 32) without gaps, the most significant bit first."""
    ends = np.cumsum(lengths)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    behind = ends[owner] - np.arange(owner.size) - 1
    return np.packbits((numbers[owner] >> behind & 1).astype(np.uint8))


def blocks_of(weights: Weights) -> list[NDArray[np.int8]]:
    """The weights of each block of channels."""
    values, block = weights.values, weights.block
    return [values[first : first + block].reshape(-1) for first in range(0, len(values), block)]


def store(
    codec: str,
    code: PrefixCode,
    blocks: Sequence[NDArray[np.uint8]],
    weights: Weights,
    amounts: Mapping[str, float],
    run: int = 0,
) -> Encoded | None:
    """Blocks of codes as stored in flash, each aligned to a byte; None if the index of the blocks
    does not fit its fields.

    Args:
        codec: the name of the codec.
        code: the code of the values.
        blocks: the bytes of each block, a single one where weights.block is 0. One too short for
            the index is padded.
        weights: the weights.
        amounts: see Encoded.
        run: see firmware/codecs/prefix_code.h.
    """
    size = min(weights.block, len(weights.values)) * weights.values.shape[1]
    sizes = [block.size for block in blocks]
    if size and max(size, *sizes) > 0xFFFF:
        return None
    before = sizes[:-1] or [0]
    least = max(min(before), max(before) - 255)
    filled = [np.pad(block, (0, max(0, least - block.size))) for block in blocks[:-1]]
    fields = {
        "codes": np.concatenate([*filled, blocks[-1], np.zeros(READ_BEYOND, np.uint8)]),
        "more": np.array([block.size - least for block in filled] or [0], np.uint8),
        "values": code.values,
        "lengths": code.table,
        "least": least,
        "size": size,
        "run": run,
    }
    return Encoded(codec, fields, struct_size=28, amounts=amounts)


class Reader:
    """Reads an Encoded of `store`, as firmware/codecs/prefix_code.h does."""

    def __init__(self, encoded: Encoded) -> None:
        self.encoded = encoded
        self.position = 0
        bits = np.unpackbits(encoded.array("codes")).astype(np.int64)
        bits = np.pad(bits, (0, LONGEST))
        shifts = np.arange(LONGEST)[::-1]
        windows = np.lib.stride_tricks.sliding_window_view(bits, LONGEST) @ (1 << shifts)
        self.windows: list[int] = windows.tolist()
        self.values, self.lengths = _by_window(encoded)

    def blocks(self, shape: tuple[int, int]) -> Iterator[int]:
        """Moves to the beginning of each block and yields its number of weights."""
        size, start = self.encoded.integer("size"), 0
        more = iter([*self.encoded.array("more").tolist(), 0])
        for left in range(shape[0] * shape[1], 0, -size):
            self.position = 8 * start
            yield min(left, size)
            start += self.encoded.integer("least") + next(more)

    def take(self, count: int) -> int:
        """The next `count` bits (0 to LONGEST) as a number."""
        window = self.windows[self.position]
        self.position += count
        return window >> (LONGEST - count)

    def value(self) -> int:
        """The value of the next code."""
        window = self.windows[self.position]
        self.position += self.lengths[window]
        return self.values[window]


def _by_window(encoded: Encoded) -> tuple[list[int], list[int]]:
    """For each number of LONGEST bits: the value of the code that it begins with, its length."""
    last, entries = encoded.array("lengths").reshape(-1, 2).astype(np.int64).T
    windows = np.arange(1 << LONGEST) << (16 - LONGEST)
    entries = entries[np.minimum(np.searchsorted(last, windows), last.size - 1)]
    lengths = entries & 15
    places = np.minimum(
        (windows >> (16 - lengths)) - (entries >> 4), len(encoded.array("values")) - 1
    )
    return encoded.array("values")[places].tolist(), lengths.tolist()
