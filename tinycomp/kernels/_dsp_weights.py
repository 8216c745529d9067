"""How weights of DSP convolutions lie in flash: as words where they are read in place, else decoded
by blocks of channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import choose, codecs
from tinycomp.ir import Weights
from tinycomp.kernels._dsp_words import weight_words

PAIR_CODEBOOK = "pair_codebook"
PLAIN_CODEBOOK = "codebook"

Arrange = Callable[[NDArray[np.int8]], NDArray[np.int8]]


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights (channels, a whole number of groups), with the rows that the kernel reads.

    words, plain: the same weights as words and as they are. arrange: brings either into the
    kernel's order, (rows, bytes a row). unit: channels of a row.
    """

    words: NDArray[np.int8]
    plain: NDArray[np.int8]
    arrange: Arrange
    unit: int

    @property
    def size(self) -> int:
        """Bytes of all weights, decoded."""
        return self.words.size

    def fields(self, stored: Encoded, block: int) -> dict[str, int | Weights]:
        """The struct's members `workspace`, `bytes`, `block` and `weights`; about `block` bytes are
        decoded at once.
        """
        dense = self.arrange(self.words)
        if stored.buffered:
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
        weights = Weights(dense, len(dense), codecs=("dense",))
        block = len(dense) * self.unit
        return {"workspace": 0, "bytes": 0, "block": block, "weights": weights}

    def _codec(self, stored: Encoded, rows: int) -> tuple[str | None, bool]:
        """The codec, and whether it holds plain weights; None where none is smaller than words."""
        words = Weights(self.arrange(self.words), rows, words=True)
        if stored.codec == PLAIN_CODEBOOK and codecs()[PAIR_CODEBOOK].encode(words):
            return PAIR_CODEBOOK, False
        plain = Weights(self.arrange(self.plain), rows)
        same = codecs()[stored.codec].encode(plain)
        chosen = choose(plain) if same is None else same
        return (chosen.codec if chosen.buffered else None), True


def layer(matrix: NDArray[np.int64], channels: int, arrange: Arrange, unit: int) -> Layer | None:
    """A layer of so many channels, the last of them zeros; None where a word does not fit."""
    words = weight_words(matrix, channels)
    if words is None:
        return None
    filled = ((0, channels - len(matrix)), (0, -matrix.shape[1] % 4))
    return Layer(words, np.pad(matrix, filled).astype(np.int8), arrange, unit)
