"""Storage of weights for DSP convolutions: as words that are read in place, or decoded in blocks of
channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import choose, codecs
from tinycomp.ir.kernel_call import ROOM, Weights
from tinycomp.kernels._dsp_words import weight_words

PAIR_CODEBOOK = "pair_codebook"
PLAIN_CODEBOOK = "codebook"
NIBBLES = "nibbles"
PAIR_TABLE = 1024
"""Bytes of the table for looking up pairs of weights."""

PAIR_BITS = 4
LEAST = 1024
"""Number of weights for which fast code, and tables of a codebook, are worth their bytes."""

Arrange = Callable[[NDArray[np.int8]], NDArray[np.int8]]


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights of a layer in the forms that the kernels can read."""

    words: NDArray[np.int8]
    """Packed as words; channels and lengths are padded with zeros."""
    plain: NDArray[np.int8]
    """Plain, padded in the same way."""
    channels: int
    """Number of channels before padding."""
    length: int
    """Weights per channel before padding."""
    arrange: Arrange
    """Rearranges either form to the kernel's order, (rows, bytes per row)."""
    unit: int
    """Channels per row."""

    @property
    def size(self) -> int:
        """Bytes of all weights, decoded."""
        return self.words.size

    def fields(self, stored: Encoded, block: int) -> dict[str, int | Weights]:
        """The struct's members `workspace`, `bytes`, `block` and `weights`; about `block` bytes are
        decoded at once.
        """
        dense = self.arrange(self.words)
        if stored.buffered and not (_of_four_bits(stored) and self.size < LEAST):
            rows = min(len(dense), max(1, block // dense.shape[1]))
            codec, as_bytes = self._codec(stored, rows)
            if codec is not None:
                values = self.arrange(self.plain) if as_bytes else dense
                weights = Weights(values, rows, codecs=(codec,), words=not as_bytes)
                return {
                    "workspace": int(not as_bytes),
                    "bytes": int(as_bytes),
                    "block": rows * self.unit,
                    "weights": weights,
                }
        return self._as_they_lie(Weights(dense, len(dense), codecs=("dense",)))

    def looked_up(
        self, stored: Encoded, room: int, arrange: Arrange
    ) -> dict[str, int | Weights] | None:
        """The same members for a kernel that looks pairs of weights up itself; None where they are
        not of a 4-bit codebook, or where there is room to decode them. What they are filled up
        with meets activations that are zero.

        arrange: brings plain weights into the order of their indices, (rows, bytes a row).
        """
        if room > ROOM or not _of_four_bits(stored) or self.size < LEAST:
            return None
        filled = self.plain.copy()
        filled[self.channels :] = filled[:, self.length :] = filled[0, 0]
        weights = indices_of(arrange(filled))
        return None if weights is None else self._as_they_lie(weights)

    def _as_they_lie(self, weights: Weights) -> dict[str, int | Weights]:
        """The members if nothing is decoded: one block of all channels."""
        block = len(weights.values) * self.unit
        return {"workspace": 0, "bytes": 0, "block": block, "weights": weights}

    def _codec(self, stored: Encoded, rows: int) -> tuple[str | None, bool]:
        """The codec, and whether it stores plain weights; None if none is smaller than words."""
        words = Weights(self.arrange(self.words), rows, words=True)
        if stored.codec == PLAIN_CODEBOOK and codecs()[PAIR_CODEBOOK].encode(words):
            return PAIR_CODEBOOK, False
        plain = Weights(self.arrange(self.plain), rows)
        same = codecs()[stored.codec].encode(plain)
        chosen = choose(plain) if same is None else same
        return (chosen.codec if chosen.buffered else None), True


def indices_of(values: NDArray[np.int8]) -> Weights | None:
    """Weights (rows, bytes a row) for a kernel that looks pairs of them up itself, by indices of 4
    bits; None where they have more values.
    """
    weights = Weights(values, 0, codecs=(NIBBLES,))
    return None if codecs()[NIBBLES].encode(weights) is None else weights


def _of_four_bits(stored: Encoded) -> bool:
    return stored.codec == PLAIN_CODEBOOK and stored.integer("bits") == PAIR_BITS


def layer(matrix: NDArray[np.int64], channels: int, arrange: Arrange, unit: int) -> Layer | None:
    """A layer padded to a number of channels with zeros; None if a word does not fit."""
    words = weight_words(matrix, channels)
    if words is None:
        return None
    filled = ((0, channels - len(matrix)), (0, -matrix.shape[1] % 4))
    plain = np.pad(matrix, filled).astype(np.int8)
    return Layer(words, plain, len(matrix), matrix.shape[1], arrange, unit)
