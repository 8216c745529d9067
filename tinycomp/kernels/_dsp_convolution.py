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
FOUR, FIVE, EIGHT = 4, 5, 8
"""Output pixels that are computed together."""
WASTE = 1.15
"""A kernel for eight pixels may compute so many times as many as there are."""
_LEFT_OUT = ("weights", "bias", "multiplier", "shift")


def convolution(call: KernelCall, stored: Encoded | None) -> KernelCall | None:
    """The call of a DSP kernel; None where weights are decoded or numbers leave its bounds."""
    sums = sums_of(call)
    if sums is None or stored is None or stored.buffered:
        return None
    words = weight_words(sums.weights, len(sums.weights) + len(sums.weights) % PAIR)
    if words is None:
        return None
    if _three_columns(call):
        return _by_columns(call, sums, words[: len(sums.weights)])
    return _by_windows(call, sums, words)


def _by_windows(call: KernelCall, sums: Sums, words: NDArray[np.int8]) -> KernelCall:
    """Windows are expanded one by one."""
    values = interleaved(words, PAIR).reshape(len(words) // PAIR, -1)
    fields = {name: value for name, value in call.fields.items() if name not in _LEFT_OUT}
    fields |= {
        "weights": Weights(values, len(values), codecs=("dense",)),
        "factors": _factors(sums, words),
    }
    width = integer(call, "output_width")
    pixels = FIVE if width % FIVE == 0 and width % FOUR else FOUR
    kernel = "conv_2d_five_dsp" if pixels == FIVE else "conv_2d_dsp"
    copied = integer(call, "input_channels") % 4 != 0
    window = -(-(sums.weights.shape[1] + 3) // 4) * 4 if copied else 0
    rows = 4 * integer(call, "kernel_height")
    return KernelCall(kernel, fields, scratch=rows + 2 * pixels * words.shape[1] + window)


def _three_columns(call: KernelCall) -> bool:
    """Whether windows are three columns wide, side by side, of whole groups of channels."""
    names = ("kernel_width", "stride_width", "dilation_width")
    if [integer(call, name) for name in names] != [3, 1, 1] or integer(call, "input_channels") % 4:
        return False
    width = integer(call, "output_width")
    return -(-width // EIGHT) * EIGHT <= WASTE * width


def _by_columns(call: KernelCall, sums: Sums, words: NDArray[np.int8]) -> KernelCall:
    """Windows share the columns of a tile of eight pixels."""
    channels = len(words)
    split = words.reshape(channels, integer(call, "kernel_height"), 3, -1, 4)
    values = np.ascontiguousarray(split.transpose(0, 1, 3, 2, 4)).reshape(channels, -1)
    left_out = (*_LEFT_OUT, "kernel_width", "stride_width", "dilation_width")
    fields = {name: value for name, value in call.fields.items() if name not in left_out}
    fields |= {
        "weights": Weights(values, len(values), codecs=("dense",)),
        "factors": _factors(sums, words),
    }
    columns = 2 * (EIGHT + 2) * words.shape[1] // 3
    part = EIGHT * channels if integer(call, "output_width") % EIGHT else 0
    return KernelCall("conv_2d_three_dsp", fields, scratch=columns + part)


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
