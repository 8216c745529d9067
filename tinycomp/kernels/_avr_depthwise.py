"""DEPTHWISE_CONV_2D for firmware/kernels/avr/depthwise_avr.h."""

from __future__ import annotations

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Member, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._avr_blocks import BLOCK, TWICE, constants, interleaved, output
from tinycomp.kernels._avr_window import WINDOW, hangs_over, is_dilated, is_reached
from tinycomp.kernels._dsp_sums import integer

MOST_CHANNELS = 255 + BLOCK
"""The step from cell to cell, less a block, is a byte."""
MOST_COLUMNS = 255 // BLOCK
"""So is the step over a row's weights."""
SUMS, ADDRESS = 12, 8
"""Bytes of scratch for a block's sums, and for a row's address, at most."""


def depthwise(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The AVR kernel's call, with uncompressed weights, as they are few and used in every window.
    None if channels share an input channel, windows are dilated or overlap a border that is not
    -128, or values exceed its bounds.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    channels = len(weights.values)
    if integer(call, "channel_multiplier") != 1 or not BLOCK <= channels <= MOST_CHANNELS:
        return None
    if is_dilated(call) or integer(call, "kernel_width") > MOST_COLUMNS:
        return None
    if hangs_over(call, operands) and (
        integer(call, "input_zero_point") != -128 or not is_reached(call, operands)
    ):
        return None
    starts = np.minimum(np.arange(0, channels, BLOCK), channels - BLOCK)
    blocks = starts[:, None] + np.arange(BLOCK)
    known = constants(call, blocks)
    if known is None:
        return None
    names = ("input_height", "input_width", "input_channels", "output_width", *WINDOW)
    fields: dict[str, Member] = {name: call.fields[name] for name in names}
    fields |= output(call, TWICE)
    fields |= {"weights": interleaved(weights, blocks, ("dense",), block=0), "constants": known}
    rows = ADDRESS * integer(call, "kernel_height")
    return KernelCall("depthwise_avr", fields, scratch=SUMS + rows)
