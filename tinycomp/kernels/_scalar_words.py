"""Weights as the words of firmware/kernels/scalar/products.h, and the runs that keep sums exact."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import codecs
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array

GROUP = 4
"""Weights per word."""
PAIR_CODEBOOK, PLAIN_CODEBOOK = "pair_codebook", "codebook"
LEAST, MOST = -(1 << 15), (1 << 15) - 1
"""Of a sum that half a word holds."""


def grouped(matrix: Array) -> NDArray[np.int64]:
    """Weights padded with zeros: (channels, words, 4)."""
    filled = np.pad(matrix.astype(np.int64), ((0, 0), (0, -matrix.shape[1] % GROUP)))
    result: NDArray[np.int64] = filled.reshape(len(filled), -1, GROUP)
    return result


def words(groups: NDArray[np.int64]) -> NDArray[np.uint32]:
    """w0 + 2^8 w1 + 2^16 w2 + 2^24 w3 modulo 2^32, of signed weights (..., 4)."""
    sums = groups @ (1 << (8 * np.arange(GROUP)))
    return (sums & 0xFFFFFFFF).astype(np.uint32)


def fields(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The smallest and largest contribution of each product of a word, over all int8 inputs, to the
    lower and upper half: (4, channels, words, 2), minima of both, then maxima.
    """
    upper = groups.reshape(*groups.shape[:2], 2, 2).swapaxes(2, 3)  # w0 w2, w1 w3
    low, high = np.minimum(-128 * upper, 127 * upper), np.maximum(-128 * upper, 127 * upper)
    return np.stack([low[..., 0], low.sum(-1), high[..., 0], high.sum(-1)])


def fit(values: NDArray[np.int64]) -> bool:
    """Whether sums with these bounds (4, ...) fit into their halves."""
    return bool(values[:2].min() >= LEAST and values[2:].max() <= MOST)


def runs(values: NDArray[np.int64], longest: int) -> Iterator[tuple[int, bool]]:
    """Split words that channels share into the longest possible runs, from the first on.

    Args:
        values: fields() of those channels.
        longest: words of a run.

    Yields:
        the number of words, and whether it is a single word whose two products don't fit together.
    """
    bounds = values.sum(-1)
    held, count = np.zeros(bounds.shape[:2], np.int64), 0
    for word in range(bounds.shape[2]):
        grown = held + bounds[:, :, word]
        if count and (count == longest or not fit(grown)):
            yield count, False
            count, grown = 0, bounds[:, :, word]
        if fit(grown):
            held, count = grown, count + 1
        else:
            yield 1, True
            held, count = np.zeros_like(held), 0
    if count:
        yield count, False


def workspace(weights: Weights) -> int:
    """Whether the requested codec has a workspace: 0 or 1."""
    return int(weights.codecs == (PAIR_CODEBOOK,))


def coded(values: NDArray[np.int8], block: int, stored: Encoded) -> Weights | None:
    """Weights in a kernel's order, (rows, bytes a row), as they are stored where they have to be
    decoded; None where the codec can't hold rows of this order.
    """
    names = [PAIR_CODEBOOK] if stored.codec == PLAIN_CODEBOOK else []
    for name in (*names, stored.codec):
        weights = Weights(values, block, codecs=(name,))
        if codecs()[name].encode(weights) is not None:
            return weights
    return None
