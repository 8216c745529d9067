"""Weights as words for DSP kernels (firmware/kernels/armv7e_m/gemm.h)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array


def weight_words(matrix: Array, channels: int) -> NDArray[np.int8] | None:
    """Pairs of weights as int16 numbers 256 * w1 + w0, in bytes (channels, weights per channel),
    padded with zeros to a number of channels and to groups of four weights.

    None if a pair does not fit.
    """
    filled = np.pad(matrix, ((0, channels - matrix.shape[0]), (0, -matrix.shape[1] % 4)))
    pairs = 256 * filled[:, 1::2] + filled[:, 0::2]
    if pairs.min(initial=0) < -(1 << 15):
        return None
    words: NDArray[np.int8] = pairs.astype("<i2", order="C").view(np.int8)
    return words


def interleaved(words: NDArray[np.int8], block: int) -> NDArray[np.int8]:
    """Words of blocks of channels, flat: per group a word of each channel; the last block may be
    smaller.
    """
    parts = []
    for start in range(0, len(words), block):
        part = words[start : start + block]
        parts.append(part.reshape(len(part), -1, 4).transpose(1, 0, 2).reshape(-1))
    return np.concatenate(parts)


def offsets(words: NDArray[np.int8]) -> NDArray[np.int64]:
    """The constant part of each channel's products: 127 times its weights at even positions."""
    even: NDArray[np.int64] = words[:, 0::2].astype(np.int64).sum(axis=1)
    return 127 * even
