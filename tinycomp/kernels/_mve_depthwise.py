"""DEPTHWISE_CONV_2D for firmware/kernels/armv8_1m_mve/depthwise_mve.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_depthwise import over_all_channels
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._mve_convolution import convolution
from tinycomp.kernels._mve_sums import factors, vector_sums

VECTOR = 16
"""Bytes interleaved at a time."""
PLANES = 2048
"""Maximum bytes of planes, unless sixteen channels need more."""
WHOLE = 4096
"""Maximum bytes of planes of sixteen channels of a whole row; a longer row is computed in parts.
With rows that lie across, PLANES.
"""
LEAST_OUTPUTS = 8
"""Outputs of a row that are computed together, unless it has fewer."""
GROUP = 4
"""Channels computed together, rows interleaved."""
WORDS = 4
"""Words in a vector: four rows of a column each."""
TALLEST = 16
"""Maximum rows of a window."""
AROUND = 2 * VECTOR + 4 * VECTOR
"""Bytes before the planes (zeros and zero points), and after them."""
_SAME = (
    "output_width", "columns", "kernel_height", "kernel_width", "stride_height", "stride_width",
    "dilation_height", "dilation_width", "padding_top", "padding_left", "input_zero_point",
    "output_zero_point", "activation_min", "activation_max",
)  # fmt: skip


def depthwise(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The MVE kernel's call, of a convolution where few input channels have several outputs each;
    None if more have, windows are too tall, or values exceed its bounds.
    """
    if integer(call, "channel_multiplier") != 1 and integer(call, "input_channels") < GROUP:
        return convolution(over_all_channels(call, "conv_2d"), operands, stored)
    sums, weights = vector_sums(call), call.fields["weights"]
    assert isinstance(weights, Weights)
    height, width = integer(call, "kernel_height"), integer(call, "kernel_width")
    if sums is None or integer(call, "channel_multiplier") != 1 or height > TALLEST:
        return None
    channels, dilation = integer(call, "input_channels"), integer(call, "dilation_width")
    across = _across(height, width)
    words = _words(sums.weights.reshape(-1, height, width), across)
    few = words.shape[1] <= WORDS * GROUP
    planes = -(-across // GROUP) + height - across
    columns = _columns(call)
    each = 4 * planes + int(across < height)  # bytes of a column, with the line's
    most = WHOLE if across == height else PLANES
    if not few or each * columns * min(VECTOR, channels) > most:
        columns = _some_columns(call, each)
    block = _block(channels, each * columns)
    stored_as = _as_they_are(weights, words, block) if few else _in_vectors(weights, words, block)
    places = _places(height, width, across, columns, dilation)
    known = {**call.fields, "columns": columns}
    fields = {
        "input_height": known["input_height"],
        "input_width": known["input_width"],
        "channels": channels,
        "block": block,
        **{name: known[name] for name in _SAME[:4]},
        "across": across,
        "planes": planes,
        "step": channels if block == VECTOR else VECTOR,
        **{name: known[name] for name in _SAME[4:]},
        "weights": stored_as,
        **factors(sums, GROUP),
        "words": places,
    }
    line = (columns + 3 * dilation) * block if across < height else 0
    scratch = AROUND + planes * columns * block * 4 + -(-line // 4) * 4
    if not few:
        return KernelCall("depthwise_any_mve", fields, scratch=scratch + 4 * len(places))
    rectified = integer(call, "output_zero_point") == -128
    kernel = "depthwise_conv_2d_mve" if rectified else "depthwise_conv_2d_signed_mve"
    return KernelCall(kernel, fields, scratch=scratch)


def _across(height: int, width: int) -> int:
    """The first row whose weights are words of four columns; those before are words of four rows.
    The last rows lie across where a window takes fewer vectors then, or fewer words for one row.
    """
    rest, quarter = height % GROUP, -(-width // GROUP)
    words = -(-height // GROUP) * width, height // GROUP * width + rest * quarter
    down, across = (-(-count // WORDS) for count in words)
    return height - rest if across < down or (rest == 1 and words[1] < words[0]) else height


def _as_they_are(weights: Weights, words: NDArray[np.int8], block: int) -> Weights:
    """The words of one channel after the other."""
    kept = _codebook(weights, words)
    return replace(weights, values=words, block=-(-block // GROUP) * GROUP, codebook=kept)


def _codebook(weights: Weights, values: NDArray[np.int8]) -> NDArray[np.int8] | None:
    """The codebook, if it has what fills up the words too."""
    known = weights.codebook
    return known if known is not None and np.isin(values, known).all() else None


def _in_vectors(weights: Weights, words: NDArray[np.int8], block: int) -> Weights:
    """By groups of channels, a vector of each channel in turn. What fills up the last vectors is
    zero.
    """
    filled = np.pad(words, ((0, 0), (0, -words.shape[1] % VECTOR)))
    split = filled.reshape(len(filled) // GROUP, GROUP, -1, VECTOR).transpose(0, 2, 1, 3)
    values = np.ascontiguousarray(split).reshape(len(filled) // GROUP, -1)
    return Weights(values, -(-block // GROUP), _codebook(weights, values))


def _columns(call: KernelCall, outputs: int | None = None) -> int:
    """The columns that the windows of so many outputs read; of all of a row by default."""
    count = integer(call, "output_width") if outputs is None else outputs
    span = (integer(call, "kernel_width") - 1) * integer(call, "dilation_width") + 1
    return (count - 1) * integer(call, "stride_width") + span


def _some_columns(call: KernelCall, each: int) -> int:
    """The columns of as many outputs as there is room for, of sixteen channels with so many bytes
    each.
    """
    size = each * min(VECTOR, integer(call, "input_channels"))
    free = PLANES // size - _columns(call, 1)
    outputs = max(LEAST_OUTPUTS, 1 + free // integer(call, "stride_width"))
    return _columns(call, min(outputs, integer(call, "output_width")))


def _block(channels: int, size: int) -> int:
    """Channels per plane, given the bytes per channel: all, or full vectors."""
    fitting = max(VECTOR, PLANES // size // VECTOR * VECTOR)
    return min(channels, fitting)


def _places(
    height: int, width: int, across: int, columns: int, dilation: int
) -> NDArray[np.uint16]:
    """The columns before each of a window's words, for consecutive planes."""
    down, quarter = -(-across // GROUP), -(-width // GROUP)
    found = [columns * plane + dilation * x for plane in range(down) for x in range(width)]
    for plane in range(down, down + height - across):
        found += [columns * plane + GROUP * dilation * x for x in range(quarter)]
    return np.array(found + [0] * (-len(found) % WORDS), np.uint16)


def _words(weights: NDArray[np.int64], across: int) -> NDArray[np.int8]:
    """Words of four rows a column, then of four columns a row for those that lie across, from
    (channels, rows, columns); of whole groups of channels. What fills up the last rows repeats what
    is there, so that a codebook stays as small as it is; what fills up columns is zero.
    """
    weights = np.pad(weights, ((0, -len(weights) % GROUP), (0, 0), (0, 0)), mode="edge")
    down, rest = weights[:, :across], weights[:, across:]
    down = np.pad(down, ((0, 0), (0, -across % 4), (0, 0)), mode="edge") if across else down
    rest = np.pad(rest, ((0, 0), (0, 0), (0, -rest.shape[2] % 4)))
    shape = (len(weights), -(-across // 4), 4, weights.shape[2])
    down = down.reshape(shape).transpose(0, 1, 3, 2)
    parts = [down.reshape(len(down), -1), rest.reshape(len(rest), -1)]
    return np.ascontiguousarray(np.concatenate(parts, axis=1), np.int8)
