"""DEPTHWISE_CONV_2D for firmware/kernels/armv8_1m_mve/depthwise_mve.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._mve_sums import BLOCK, factors, vector_sums, with_values

KERNELS = ("depthwise_one_mve", "depthwise_two_mve", "depthwise_three_mve", "depthwise_four_mve")
"""By the words of a window: four rows of a column each."""
START = 4 * BLOCK + BLOCK + 4 * BLOCK
"""Bytes before the planes: zeros, zero points, sums."""


def depthwise(call: KernelCall, stored: Encoded | None) -> KernelCall | None:
    """The call of an MVE kernel; None where channels share an input channel, windows have more than
    four words, or numbers leave its bounds.
    """
    sums = vector_sums(call)
    height, width = integer(call, "kernel_height"), integer(call, "kernel_width")
    planes = -(-height // 4)
    if sums is None or integer(call, "channel_multiplier") != 1 or planes * width > len(KERNELS):
        return None
    values = _words(sums.weights.reshape(-1, height, width))
    channels = integer(call, "input_channels")
    columns = (integer(call, "output_width") - 1) * integer(call, "stride_width")
    columns += (width - 1) * integer(call, "dilation_width") + 1
    fields = dict(call.fields)
    fields = {
        "input_height": fields["input_height"],
        "input_width": fields["input_width"],
        "channels": channels,
        "output_width": fields["output_width"],
        "columns": columns,
        **{n: v for n, v in fields.items() if n.startswith(("kernel", "stride", "dila", "padd"))},
        **{n: v for n, v in fields.items() if n.endswith(("zero_point", "_min", "_max"))},
        "weights": with_values(call, values, BLOCK),
        "bias": np.pad(sums.bias, (0, -channels % 4)).astype(np.int32),
        **factors(sums),
    }
    column = -(-min(channels, BLOCK) // 4) * BLOCK
    scratch = START + planes * columns * column + 4 * BLOCK
    if stored is not None and stored.buffered:
        scratch += BLOCK - values.shape[1]
    return KernelCall(KERNELS[planes * width - 1], fields, scratch=scratch)


def _words(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Words of four rows a column, from (channels, rows, columns); of whole fours of channels. What
    fills them up repeats what is there, so that a codebook stays as small as it is.
    """
    channels, rows, _ = weights.shape
    filled = np.pad(weights, ((0, -channels % 4), (0, -rows % 4), (0, 0)), mode="edge")
    words = filled.reshape(len(filled), -1, 4, filled.shape[2]).transpose(0, 1, 3, 2)
    return np.ascontiguousarray(words).reshape(len(filled), -1)
