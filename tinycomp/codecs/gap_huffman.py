"""For very sparse weights: a Huffman code for the zeros before each non-zero, another for its
value.

S. Han, H. Mao and W. Dally, "Deep compression", ICLR 2016, store gaps in a fixed number of bits;
non-zeros of trained layers cluster, so that a Huffman code for gaps takes fewer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded, Least
from tinycomp.codecs._prefix_code import (
    LONGEST,
    PrefixCode,
    Reader,
    blocks_of,
    join,
    least_bytes,
    store,
)
from tinycomp.ir.kernel_call import Weights

ESCAPES = (15, 31, 63, 127)
"""Candidates for the escape: a gap without a weight after it, for building larger gaps."""
MOST_FILLED = 1 / 2
"""The share of weights that are not zero beyond which a bit for each weight says where they are in
fewer bytes.
"""
MOST_ACROSS = 127
"""Maximum of interleaved channels, so that dividing by their number takes one multiplication."""


class GapHuffman(Codec):
    """Codes for the whole layer. Weights of a block are counted channel by channel, or across its
    channels, as takes fewer bytes. A kernel that reads the stored form itself has one block.
    """

    name: ClassVar[str] = "gap_huffman"
    code: ClassVar[Mapping[str, int]] = {"gap_huffman": 300}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 0.3, "gaps": 75, "values": 0}
    entropy: ClassVar[bool] = True

    def encode(self, weights: Weights) -> Encoded | None:
        """None if all weights are zero or most are not, or if a block has more than 65535 weights
        or bytes.
        """
        values = weights.values[weights.values != 0]
        if not 0 < values.size <= MOST_FILLED * weights.values.size:
            return None
        if weights.values.shape[1] > 0xFFFF:
            return None
        code = PrefixCode.of(values)
        block = min(weights.block, len(weights.values))  # 0 where all is one block
        forms = [
            _form(code, weights, across, escape)
            for across in ([1, block] if 1 < block <= MOST_ACROSS else [1])
            for escape in ESCAPES
        ]
        return min((form for form in forms if form), key=lambda form: form.size, default=None)

    def least(self, weights: Weights) -> Least:
        """The entropy of the values, and a bit for the zeros before each."""
        values = weights.values[weights.values != 0]
        share = values.size / weights.values.size
        return Least(least_bytes(values, more=1), {"gaps": share, "values": share})

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The decoded values."""
        across, escape = encoded.integer("across"), encoded.integer("escape")
        gaps = Encoded("", {**encoded.fields, **_gap_tables(encoded)}, 0)
        reader, gap_reader = Reader(encoded), Reader(gaps)
        result = np.zeros(shape, np.int8)
        first = 0
        whole = result.size if encoded.integer("size") == 0 else 0
        for count in [whole] if whole else reader.blocks(shape):
            rows = count // shape[1]
            end = count if across == 1 else across * shape[1]
            block = np.zeros(end, np.int8)
            place = 0
            while place < end:
                gap_reader.position = reader.position
                gap = gap_reader.value()
                reader.position, place = gap_reader.position, place + gap
                if gap != escape and place < end:
                    block[place] = reader.value()
                    place += 1
            matrix = block.reshape(-1, shape[1]) if across == 1 else block.reshape(-1, across).T
            result[first : first + rows] = matrix[:rows]
            first += rows
        return result


def _gap_tables(encoded: Encoded) -> dict[str, NDArray[np.int8] | NDArray[np.uint16]]:
    """The struct's fields for the tables of gaps."""
    return {
        "values": encoded.array("gaps").view(np.int8),
        "lengths": encoded.array("gap_lengths"),
    }


@dataclass(frozen=True, eq=False)
class _Block:
    """A block of weights split into gaps and values."""

    gaps: NDArray[np.int8]
    """Zeros before each weight, including escapes."""
    followed: NDArray[np.bool_]
    """For each gap, whether a weight follows (False: an escape)."""
    values: NDArray[np.int8]
    """The weights that follow, in order."""


def _form(code: PrefixCode, weights: Weights, across: int, escape: int) -> Encoded | None:
    """The weights with gaps up to `escape`; see store."""
    least = int(weights.block == 0)
    blocks = [_split(each, escape, least) for each in _in_order(weights, across)]
    gaps = PrefixCode.of(np.concatenate([block.gaps for block in blocks]))
    joined = [_join(code, gaps, block) for block in blocks]
    amounts = {
        "gaps": sum(block.gaps.size for block in blocks) / weights.values.size,
        "values": np.count_nonzero(weights.values) / weights.values.size,
    }
    stored = store("gap_huffman", code, joined, weights, amounts)
    if stored is None:
        return None
    fields = {
        **{name: stored.fields[name] for name in ("codes", "more", "values", "lengths")},
        "gaps": gaps.values.view(np.uint8),
        "gap_lengths": gaps.table,
        "least": stored.fields["least"],
        "size": stored.fields["size"],
        "length": weights.values.shape[1],
        "inverse": 0xFFFF // across,
        "across": across,
        "escape": escape,
    }
    return Encoded("gap_huffman", fields, struct_size=40, amounts=amounts)


def _in_order(weights: Weights, across: int) -> Sequence[NDArray[np.int8]]:
    """The weights of each block in the order of gaps; missing channels of a block are zeros."""
    if weights.block == 0:
        return [weights.values.reshape(-1)]
    if across == 1:
        return blocks_of(weights)
    more = -len(weights.values) % across
    filled = np.pad(weights.values, ((0, more), (0, 0)))
    return [part.T.reshape(-1) for part in filled.reshape(-1, across, filled.shape[1])]


def _split(block: NDArray[np.int8], escape: int, least: int) -> _Block:
    """A block's gaps: escapes for what is more, and for what comes behind the last weight; of those
    so many at least, as kernels that multiply at once look for the end there.
    """
    places = np.flatnonzero(block)
    zeros = np.diff(np.concatenate([[-1], places, [block.size]])) - 1
    escapes = zeros // escape
    escapes[-1] = max(least, -(-zeros[-1] // escape))
    counts = escapes + 1
    counts[-1] -= 1
    ends = np.cumsum(counts) - 1
    gaps = np.full(counts.sum(), escape)
    gaps[ends[:-1]] = zeros[:-1] % escape
    followed = np.zeros(gaps.size, bool)
    followed[ends[:-1]] = True
    return _Block(gaps.astype(np.int8), followed, block[places])


def _join(code: PrefixCode, gaps: PrefixCode, block: _Block) -> NDArray[np.uint8]:
    """The bits of a block: for each non-zero weight the zeros before it and its code."""
    numbers = np.zeros((block.gaps.size, 2), np.int64)
    widths = np.zeros_like(numbers)
    if block.gaps.size:
        numbers[:, 0], widths[:, 0] = gaps.bits(block.gaps)
    if block.values.size:
        numbers[block.followed, 1], widths[block.followed, 1] = code.bits(block.values)
    assert widths.max(initial=0) <= LONGEST
    return join(numbers.reshape(-1), widths.reshape(-1))
