"""DEPTHWISE_CONV_2D for firmware/kernels/armv7e_m/depthwise_3x3.h and what is built on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall, Weights
from tinycomp.kernels._dsp_sums import Sums, integer, sums_of

BLOCK = 4
"""Channels that are computed together."""
WEIGHTS = 9
ORDER = (0, 1, 3, 4, 2, 6, 5, 7, 8)
"""Of a channel's weights, row by row, as SXTB16 takes them apart."""
TAIL = 72
"""Bytes behind a tile's own columns."""
NARROW = 5
"""The width for which there is a tile of its own; others are cut into tiles of six."""


def depthwise(call: KernelCall, stored: Encoded | None) -> KernelCall | None:
    """The call of a kernel for windows of 3 x 3; None for others, or where numbers leave its
    bounds.
    """
    sums, kernel = sums_of(call), _kernel(call)
    if sums is None or kernel is None:
        return None
    stride, width = integer(call, "stride_width"), integer(call, "output_width")
    outputs = NARROW if kernel == "depthwise_3x3_narrow_dsp" else 6
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    ordered = np.ascontiguousarray(sums.weights.astype(np.int8)[:, ORDER])
    fields = {
        "input_height": call.fields["input_height"],
        "input_width": call.fields["input_width"],
        "channels": call.fields["input_channels"],
        "output_width": width,
        "stride_height": call.fields["stride_height"],
        "padding_top": call.fields["padding_top"],
        "padding_left": call.fields["padding_left"],
        "input_zero_point": call.fields["input_zero_point"],
        "output_zero_point": call.fields["output_zero_point"],
        "activation_min": call.fields["activation_min"],
        "activation_max": call.fields["activation_max"],
        "weights": Weights(ordered, BLOCK, weights.codebook),
        "factors": _factors(sums),
    }
    columns = -(-width // outputs) * outputs * stride
    partly = BLOCK * WEIGHTS if len(ordered) % BLOCK else 0
    return KernelCall(kernel, fields, scratch=24 * columns + TAIL + partly)


def _kernel(call: KernelCall) -> str | None:
    """The kernel for the call's window."""
    window = ("kernel_height", "kernel_width", "dilation_height", "dilation_width")
    if [integer(call, name) for name in window] != [3, 3, 1, 1]:
        return None
    if integer(call, "channel_multiplier") != 1 or integer(call, "input_channels") < BLOCK:
        return None
    if integer(call, "stride_width") == 2:
        return "depthwise_3x3_stride_2_dsp"
    if integer(call, "stride_width") != 1:
        return None
    narrow = integer(call, "output_width") == NARROW
    return "depthwise_3x3_narrow_dsp" if narrow else "depthwise_3x3_dsp"


def _factors(sums: Sums) -> NDArray[np.int32]:
    """Each channel's bias with its shift less one in the lowest five bits, and its multiplier."""
    start = 32 * sums.bias + sums.shift - 1
    return np.stack([start, sums.multiplier], axis=1).astype(np.int32).reshape(-1)
