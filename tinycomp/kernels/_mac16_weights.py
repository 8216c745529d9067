"""Storage of weights for MAC16 kernels (firmware/kernels/lx6/words_mac16.h)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import Member, Weights
from tinycomp.kernels._scalar_words import coded, workspace

GROUP = 4
"""Weights per word."""
_OFFSET = 127


@dataclass(frozen=True, eq=False)
class Stored:
    """The members `plain`, `workspace` and `weights`."""

    plain: bool
    """Whether weights are uncompressed."""
    weights: Weights
    """Shape (channels, weights per channel), padded to full groups."""

    @property
    def members(self) -> dict[str, Member]:
        """In the struct's order, without `weights`."""
        return {"plain": int(self.plain), "workspace": workspace(self.weights)}


def codes(matrix: NDArray[np.int64]) -> NDArray[np.int8] | None:
    """w + 127, plus one for a borrow from the other half of a word, in full groups; None if there
    is a weight of -128.
    """
    if matrix.min(initial=0) < -_OFFSET:
        return None
    groups = matrix.reshape(len(matrix), -1, 2, 2)  # w0 w1, w2 w3
    values = groups + _OFFSET
    values[:, :, 1] += groups[:, :, 0] < 0
    result: NDArray[np.int8] = values.astype(np.uint8).view(np.int8).reshape(matrix.shape)
    return result


def stored_weights(matrix: NDArray[np.int64], block: int, stored: Encoded) -> Stored | None:
    """Weights (channels, weights a channel) of which `block` channels are read together; None where
    the codec can't hold them.

    What they are filled up with meets activations that are zero.
    """
    missing = -matrix.shape[1] % GROUP
    filled = np.pad(matrix, ((0, 0), (0, missing)), constant_values=matrix.flat[0])
    if stored.buffered:
        weights = coded(filled.astype(np.int8), block, stored)
        return None if weights is None else Stored(plain=True, weights=weights)
    values = codes(filled)
    plain = values is None
    lying = filled.astype(np.int8) if values is None else values
    return Stored(plain, Weights(lying, block, codecs=("words",)))
