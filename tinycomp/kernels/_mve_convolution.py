"""CONV_2D for firmware/kernels/armv8_1m_mve/conv_2d_mve.h."""

from __future__ import annotations

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._mve_sums import factors, vector_sums, with_values

CHANNELS = 48
"""Output channels whose weights are read at a time."""
SUMS = 3 * 4 * CHANNELS
"""Bytes of a block's biases and its sums for two pixels."""


def convolution(call: KernelCall, stored: Encoded | None) -> KernelCall | None:
    """The call of the MVE kernel; None where numbers leave its bounds."""
    sums = vector_sums(call)
    if sums is None:
        return None
    length = sums.weights.shape[1]
    fields = dict(call.fields)
    fields |= {
        "weights": with_values(call, sums.weights, CHANNELS),
        "bias": sums.bias.astype(np.int32),
        **factors(sums),
    }
    padding = integer(call, "padding_top") + integer(call, "padding_left")
    lies = length == integer(call, "input_channels") and padding == 0
    return KernelCall("conv_2d_mve", fields, scratch=SUMS + (0 if lies else 2 * length))
