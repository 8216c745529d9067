"""For sparse weights: a Rice code for the zeros before each non-zero, a Huffman code for its value.

S. Golomb, "Run-length encodings", 1966; R. Rice, "Some practical universal noiseless coding
techniques", 1979.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded, Least
from tinycomp.codecs._prefix_code import PrefixCode, Reader, blocks_of, join, least_bytes, store
from tinycomp.ir.kernel_call import Weights

LONGEST_RUN = 4
"""The largest Rice parameter: one bit of the unary part stands for 2^parameter zeros."""


class SparseHuffman(Codec):
    """One code for the non-zero values of the layer; runs of zeros end with their block."""

    name: ClassVar[str] = "sparse_huffman"
    code: ClassVar[Mapping[str, int]] = {"sparse_huffman": 220}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 2.5, "values": 30}
    entropy: ClassVar[bool] = True

    def encode(self, weights: Weights) -> Encoded | None:
        """None if all weights are zero, or a block has more than 65535 weights or bytes."""
        values = weights.values[weights.values != 0]
        if not values.size:
            return None
        code, blocks = PrefixCode.of(values), blocks_of(weights)
        run = min(range(LONGEST_RUN + 1), key=lambda run: sum(_bits(b, run) for b in blocks))
        joined = [_join(code, block, run) for block in blocks]
        amounts = {"values": values.size / weights.values.size}
        return store("sparse_huffman", code, joined, weights, amounts, run)

    def least(self, weights: Weights) -> Least:
        """The entropy of the values, and a bit for the zeros before each."""
        values = weights.values[weights.values != 0]
        share = values.size / weights.values.size
        return Least(least_bytes(values, more=1), {"values": share})

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        reader, run = Reader(encoded), encoded.integer("run")
        result = np.zeros(shape[0] * shape[1], np.int8)
        first = 0
        for count in reader.blocks(shape):
            place, first = first, first + count
            while place < first:
                if reader.take(1) == 0:
                    place += 1 << run
                else:
                    place += reader.take(run)
                    result[place] = reader.value()
                    place += 1
        return result.reshape(shape)


def _gaps(block: NDArray[np.int8]) -> tuple[NDArray[np.int64], int]:
    """The number of zeros before each non-zero weight, and after the last."""
    places = np.flatnonzero(block)
    ends = np.concatenate([[-1], places, [block.size]])
    gaps = np.diff(ends) - 1
    return gaps[:-1], int(gaps[-1])


def _bits(block: NDArray[np.int8], run: int) -> int:
    """Bits for the zeros of a block."""
    gaps, behind = _gaps(block)
    return int((gaps >> run).sum()) + gaps.size * (1 + run) + -(-behind >> run)


def _join(code: PrefixCode, block: NDArray[np.int8], run: int) -> NDArray[np.uint8]:
    """The bits of a block: for each non-zero weight the zeros before it and its code."""
    gaps, behind = _gaps(block)
    codes, lengths = code.bits(block[block != 0])
    rest = (1 << run) + (gaps & (1 << run) - 1)
    numbers = np.stack([np.zeros_like(gaps), rest, codes], axis=1).reshape(-1)
    widths = np.stack([gaps >> run, np.full_like(gaps, 1 + run), lengths], axis=1).reshape(-1)
    return join(np.append(numbers, 0), np.append(widths, -(-behind >> run)))
