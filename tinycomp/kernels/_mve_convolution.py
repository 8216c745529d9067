"""CONV_2D for firmware/kernels/armv8_1m_mve/convolution_mve.h and what is built on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall, Weights
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._mve_sums import factors, vector_sums

GROUP = 4
"""Output channels that are computed together."""
VECTOR = 16
"""Products of an instruction."""
BLOCKS = (16, 20, 12, 24, 8, 28)
"""Channels that may be decoded at a time: of the last block at least a group has to be left."""
WINDOWS = 1024
"""Bytes that are gathered at a time, about; two windows at least."""


def convolution(call: KernelCall, stored: Encoded | None) -> KernelCall | None:
    """The call of an MVE kernel; None where channels are less than a group, or numbers leave its
    bounds.
    """
    sums = vector_sums(call)
    channels = integer(call, "output_channels")
    if sums is None or stored is None or channels < GROUP:
        return None
    length = sums.weights.shape[1]
    tile = 0 if _lies(call, length) else _tile(integer(call, "output_width"), length)
    block = _block(channels) if stored.buffered else channels
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    if stored.buffered:
        weights = replace(weights, values=sums.weights.astype(np.int8), block=block)
    else:
        weights = Weights(grouped(sums.weights), channels, codecs=("dense",))
    left_out = ("weights", "bias", "multiplier", "shift")
    fields = {name: value for name, value in call.fields.items() if name not in left_out}
    fields |= {
        "tile": tile,
        "block": block,
        "decoded": int(stored.buffered),
        "weights": weights,
        **factors(sums),
    }
    rectified = integer(call, "output_zero_point") == -128
    arranged = -(-block // GROUP) * GROUP * length if stored.buffered else 0
    kernel = "conv_2d_mve" if rectified else "conv_2d_signed_mve"
    return KernelCall(kernel, fields, scratch=tile * length + arranged)


def grouped(weights: NDArray[np.int64]) -> NDArray[np.int8]:
    """Weights by groups of channels, of which the last holds the last four: (groups, bytes)."""
    channels, length = weights.shape
    rest = (length - 1) % VECTOR + 1
    groups = []
    for start in range(0, channels, GROUP):
        group = weights[min(start, channels - GROUP) :][:GROUP].astype(np.int8)
        vectors = group[:, rest:].reshape(GROUP, -1, VECTOR).transpose(1, 0, 2)
        groups.append(np.concatenate([group[:, :rest].reshape(-1), vectors.reshape(-1)]))
    return np.stack(groups)


def _lies(call: KernelCall, length: int) -> bool:
    """Whether windows are cells of the input."""
    padding = integer(call, "padding_top") + integer(call, "padding_left")
    inside = (integer(call, "output_width") - 1) * integer(call, "stride_width")
    single = length == integer(call, "input_channels")
    return single and padding == 0 and inside < integer(call, "input_width")


def _tile(width: int, length: int) -> int:
    """Windows to gather at a time: of a row's equal parts, as long as they fit."""
    parts = -(-width // max(2, WINDOWS // length))
    tile = -(-width // parts)
    return min(width, tile + tile % 2)


def _block(channels: int) -> int:
    fitting = [size for size in BLOCKS if channels % size == 0 or channels % size >= GROUP]
    return min(channels, fitting[0])
