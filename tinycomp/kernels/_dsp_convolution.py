"""CONV_2D for firmware/kernels/armv7e_m/convolution.h and what is built on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import Array, KernelCall, Weights
from tinycomp.kernels._dsp_sums import Sums, integer, sums_of

FOUR, FIVE = 4, 5
"""Output pixels that are computed together."""


def convolution(call: KernelCall, stored: Encoded | None) -> KernelCall | None:
    """The call of a DSP kernel; None where weights are decoded or numbers leave its bounds."""
    sums = sums_of(call)
    if sums is None or stored is None or stored.buffered:
        return None
    words = weight_words(sums.weights)
    if words is None:
        return None
    fields = {
        name: value
        for name, value in call.fields.items()
        if name not in ("weights", "bias", "multiplier", "shift")
    }
    groups = words.shape[1] // 4
    weights = Weights(_by_pairs(words), len(words), codecs=(stored.codec,))
    fields |= {"weights": weights, "factors": channel_factors(sums, words)}
    window = -(-(sums.weights.shape[1] + 3) // 4) * 4
    rows = 4 * integer(call, "kernel_height")
    width = integer(call, "output_width")
    pixels = FIVE if width % FIVE == 0 and width % FOUR else FOUR
    kernel = "conv_2d_five_dsp" if pixels == FIVE else "conv_2d_dsp"
    return KernelCall(kernel, fields, scratch=rows + pixels * 8 * groups + window)


def weight_words(matrix: Array) -> NDArray[np.int8] | None:
    """Pairs of weights as int16 numbers 256 * w1 + w0, in bytes: (channels, weights a channel),
    both filled up with zeros, to an even number of channels and to groups of four weights.

    None where a pair does not fit.
    """
    channels, length = matrix.shape
    filled = np.pad(matrix, ((0, channels % 2), (0, -length % 4)))
    pairs = 256 * filled[:, 1::2] + filled[:, 0::2]
    if pairs.min(initial=0) < -(1 << 15):
        return None
    words: NDArray[np.int8] = pairs.astype("<i2").view(np.int8)
    return words


def channel_factors(sums: Sums, words: NDArray[np.int8]) -> NDArray[np.int32]:
    """What each channel's sums start at, and its multiplier, as gemm.h wants them."""
    filled = np.zeros((2, len(words)), np.int64)
    filled[0, : len(sums.bias)], filled[1, : len(sums.bias)] = sums.bias, sums.multiplier
    even = words[:, 0::2].astype(np.int64).sum(axis=1)
    start = 256 * filled[0] - 127 * even
    shift = np.pad(sums.shift - 1, (0, len(words) - len(sums.shift)))
    start += (shift - start) % 128
    return np.stack([_wrapped(start), filled[1].astype(np.int32)], axis=1).reshape(-1)


def _wrapped(values: Array) -> NDArray[np.int32]:
    """The lower 32 bits."""
    result: NDArray[np.int32] = (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return result


def _by_pairs(words: NDArray[np.int8]) -> NDArray[np.int8]:
    """Group after group of a pair of channels: the first one's word, then the second one's."""
    channels, length = words.shape
    split = words.reshape(channels // 2, 2, length // 4, 4)
    return np.ascontiguousarray(split.transpose(0, 2, 1, 3)).reshape(channels // 2, -1)
