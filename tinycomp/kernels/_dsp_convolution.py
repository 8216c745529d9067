"""CONV_2D for firmware/kernels/armv7e_m/convolution.h and what is built on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall, Weights
from tinycomp.kernels._dsp_sums import Sums, integer, sums_of, wrapped
from tinycomp.kernels._dsp_words import interleaved, offsets, weight_words

PAIR = 2
"""Output channels that are computed together."""
FOUR, FIVE = 4, 5
"""Output pixels that are computed together."""


def convolution(call: KernelCall, stored: Encoded | None) -> KernelCall | None:
    """The call of a DSP kernel; None where weights are decoded or numbers leave its bounds."""
    sums = sums_of(call)
    if sums is None or stored is None or stored.buffered:
        return None
    channels, length = sums.weights.shape
    words = weight_words(sums.weights, channels + channels % PAIR)
    if words is None:
        return None
    fields = {
        name: value
        for name, value in call.fields.items()
        if name not in ("weights", "bias", "multiplier", "shift")
    }
    values = interleaved(words, PAIR).reshape(len(words) // PAIR, -1)
    fields |= {
        "weights": Weights(values, len(values), codecs=(stored.codec,)),
        "factors": _factors(sums, words),
    }
    width = integer(call, "output_width")
    pixels = FIVE if width % FIVE == 0 and width % FOUR else FOUR
    kernel = "conv_2d_five_dsp" if pixels == FIVE else "conv_2d_dsp"
    rows, window = 4 * integer(call, "kernel_height"), -(-(length + 3) // 4) * 4
    return KernelCall(kernel, fields, scratch=rows + 2 * pixels * words.shape[1] + window)


def _factors(sums: Sums, words: NDArray[np.int8]) -> NDArray[np.int32]:
    """What each channel's sums start at, its shift less one in the lowest seven bits, and its
    multiplier.
    """
    more = len(words) - len(sums.bias)
    bias, multiplier, shift = (
        np.pad(values, (0, more)) for values in (sums.bias, sums.multiplier, sums.shift - 1)
    )
    start = 256 * bias - offsets(words)
    start += (shift - start) % 128
    return np.stack([wrapped(start), multiplier.astype(np.int32)], axis=1).reshape(-1)
