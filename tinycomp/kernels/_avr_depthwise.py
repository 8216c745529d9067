"""DEPTHWISE_CONV_2D for firmware/kernels/avr/depthwise_avr.h."""

from __future__ import annotations

import numpy as np

from tinycomp.ir import Array, KernelCall, Operands, Weights
from tinycomp.kernels._avr_blocks import BLOCK, factors, interleaved
from tinycomp.kernels._avr_window import WINDOW, borders_count, is_dilated
from tinycomp.kernels._dsp_sums import integer

MOST_CHANNELS = 255 + BLOCK
"""The step from cell to cell, less a block, is a byte."""
MOST_COLUMNS = 255 // BLOCK
"""So is the step over a row's weights."""


def depthwise(call: KernelCall, operands: Operands) -> KernelCall | None:
    """The call; None where channels share an input channel, windows are dilated or hang over a
    border that is not -128, or numbers leave its bounds.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    channels = len(weights.values)
    if is_dilated(call) or borders_count(call, operands):
        return None
    if integer(call, "channel_multiplier") != 1 or not BLOCK <= channels <= MOST_CHANNELS:
        return None
    starts = np.minimum(np.arange(0, channels, BLOCK), channels - BLOCK)
    blocks = starts[:, None] + np.arange(BLOCK)
    constants = factors(call, blocks)
    if constants is None or integer(call, "kernel_width") > MOST_COLUMNS:
        return None
    names = ("input_height", "input_width", "input_channels", "output_width", *WINDOW)
    fields: dict[str, int | Array | Weights] = {name: call.fields[name] for name in names}
    for name in ("output_zero_point", "activation_min", "activation_max"):
        fields[name] = call.fields[name]
    fields |= {"weights": interleaved(weights, blocks), "factors": constants}
    return KernelCall("depthwise_avr", fields)
