"""DEPTHWISE_CONV_2D for firmware/kernels/armv8_1m_mve/depthwise_mve.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._mve_sums import factors, vector_sums

VECTOR = 16
"""Bytes interleaved at a time."""
PLANES = 2048
"""Maximum bytes of planes, unless sixteen channels need more."""
GROUP = 4
"""Channels computed together, rows interleaved."""
WORDS = 4
"""Maximum words of a window: four rows of a column each."""
AROUND = 2 * VECTOR + 4 * VECTOR
"""Bytes before the planes (zeros and zero points), and after them."""
_SAME = (
    "output_width", "columns", "kernel_height", "kernel_width", "stride_height", "stride_width",
    "dilation_height", "dilation_width", "padding_top", "padding_left", "input_zero_point",
    "output_zero_point", "activation_min", "activation_max",
)  # fmt: skip


def depthwise(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The MVE kernel's call; None if channels share an input channel, windows have more than four
    words, or values exceed its bounds.
    """
    sums, weights = vector_sums(call), call.fields["weights"]
    assert isinstance(weights, Weights)
    height, width = integer(call, "kernel_height"), integer(call, "kernel_width")
    planes = -(-height // GROUP)
    if sums is None or integer(call, "channel_multiplier") != 1 or planes * width > WORDS:
        return None
    channels = integer(call, "input_channels")
    columns = (integer(call, "output_width") - 1) * integer(call, "stride_width")
    columns += (width - 1) * integer(call, "dilation_width") + 1
    block = _block(channels, 4 * planes * columns)
    values = _words(sums.weights.reshape(-1, height, width))
    known = {**call.fields, "columns": columns}
    fields = {
        "input_height": known["input_height"],
        "input_width": known["input_width"],
        "channels": channels,
        "block": block,
        **{name: known[name] for name in _SAME},
        "weights": replace(weights, values=values, block=-(-block // GROUP) * GROUP),
        **factors(sums, GROUP),
        "words": _places(planes, width, columns, integer(call, "dilation_width")),
    }
    rectified = integer(call, "output_zero_point") == -128
    kernel = "depthwise_conv_2d_mve" if rectified else "depthwise_conv_2d_signed_mve"
    return KernelCall(kernel, fields, scratch=AROUND + planes * columns * block * 4)


def _block(channels: int, size: int) -> int:
    """Channels per plane, given the bytes per channel: all, or full vectors."""
    fitting = max(VECTOR, PLANES // size // VECTOR * VECTOR)
    return min(channels, fitting)


def _places(planes: int, width: int, columns: int, dilation: int) -> NDArray[np.uint16]:
    """The columns before each of a window's words, for consecutive planes."""
    found = [columns * plane + dilation * x for plane in range(planes) for x in range(width)]
    return np.array(found + [0] * (WORDS - len(found)), np.uint16)


def _words(weights: NDArray[np.int64]) -> NDArray[np.int8]:
    """Words of four rows a column, from (channels, rows, columns); of whole groups of channels.
    What fills them up repeats what is there, so that a codebook stays as small as it is.
    """
    channels, rows, columns = weights.shape
    filled = np.pad(weights, ((0, -channels % GROUP), (0, -rows % 4), (0, 0)), mode="edge")
    words = filled.reshape(len(filled), -1, 4, columns).transpose(0, 1, 3, 2)
    return np.ascontiguousarray(words, np.int8).reshape(len(filled), -1)
