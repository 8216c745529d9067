"""DEPTHWISE_CONV_2D for firmware/kernels/lx6/depthwise_3x3*_mac16.h."""

from __future__ import annotations

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer, sums_of
from tinycomp.kernels._mac16_sums import lines_of
from tinycomp.kernels._mac16_weights import stored_weights

CHANNELS = 4
"""Channels expanded together."""
ORDER = (0, 6, 3, 1, 4, 2, 7, 5, 8, 8, 8, 8)
"""Order of a channel's weights, from row by row, for words of pairs: w0 w2 w1 w3, w4 w6 w5 w7, w8
column by column. The last ones pad the word.
"""
COLUMN = 24
"""Bytes of an expanded column of four channels."""
ROWS = 12
"""Bytes of the offsets of a window's rows."""
PAIRS = 24
"""Bytes of a channel's weights in pairs."""
ROOM = 2
"""Scratch for expanded rows, as a multiple of a layer's limit for decoded weights."""


def depthwise(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The MAC16 kernel's call; None for other windows, or if values exceed its bounds."""
    sums, stride = sums_of(call), integer(call, "stride_width")
    window = ("kernel_height", "kernel_width", "dilation_height", "dilation_width")
    kernel = {1: "depthwise_3x3_mac16", 2: "depthwise_3x3_stride_2_mac16"}.get(stride)
    if kernel is None or [integer(call, name) for name in window] != [3, 3, 1, 1]:
        return None
    if sums is None or stored is None or integer(call, "channel_multiplier") != 1:
        return None
    found = lines_of(call, sums)
    if found is None or found.two_sided:
        return None
    weights = stored_weights(np.ascontiguousarray(sums.weights[:, ORDER]), CHANNELS, stored)
    if weights is None:
        return None
    columns = (integer(call, "output_width") - 1) * stride + 3
    if integer(call, "padding_left") > columns:
        return None
    size = COLUMN * columns + ROWS
    rows = max(1, min(operands.output.shape[0], ROOM * call.room // size))
    names = ("stride_height", "padding_top", "padding_left", "input_zero_point")
    fields = {
        "input_height": integer(call, "input_height"),
        "input_width": integer(call, "input_width"),
        "channels": integer(call, "input_channels"),
        "output_width": integer(call, "output_width"),
        "columns": columns,
        "rows": rows,
        **{name: integer(call, name) for name in names},
        **weights.members,
        "weights": weights.weights,
        "factors": found.factors,
    }
    return KernelCall(kernel, fields, scratch=rows * size + CHANNELS * PAIRS)
