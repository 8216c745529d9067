"""DEPTHWISE_CONV_2D for firmware/kernels/armv7e_m/depthwise*.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import codecs
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_convolution import convolution
from tinycomp.kernels._dsp_rounding import rounding
from tinycomp.kernels._dsp_sums import Sums, integer, sums_of

BLOCK, DECODED = 4, 16
"""Channels that are computed together; blocks of them whose weights are decoded together."""
ORDER = (0, 1, 3, 4, 2, 6, 5, 7, 8)
"""Order of a channel's weights, from row by row, for SXTB16."""
ADDRESS = 8
"""Bytes of an address, at most."""
TAIL = 72
"""Bytes read after a tile's own columns."""
_AS_CONVOLUTION = {"channel_multiplier": "output_channels"}
PIXELS, LEAST_PIXELS, PAIRS = 4, 16, 2048
"""Of pairs of columns: pixels computed at a time; the fewest that share them, if there are as many;
bytes, unless these need more.
"""
NARROW = 5
"""The output width with its own tile; others are split into tiles of six."""


def depthwise(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The DSP kernel's call; None if channels share an input channel and windows are neither over
    few channels nor over neighbouring columns, or values exceed its bounds.
    """
    if integer(call, "input_channels") < BLOCK:
        return convolution(over_all_channels(call, "conv_2d"), operands, stored)
    sums, single = sums_of(call), integer(call, "channel_multiplier") == 1
    if sums is None:
        return None
    kernel = _square(call) if single else None
    if kernel is None and _has_pairs(call):
        return _by_columns(call, sums)
    if kernel is None:
        return _any_window(call, sums) if single else None
    return _three_by_three(call, sums, kernel, stored is not None and stored.buffered)


def over_all_channels(call: KernelCall, kernel: str) -> KernelCall:
    """The call of a convolution kernel over all input channels, with zero weights for all but one:
    of so few channels, it is faster than to compute them one by one.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    inputs, multiplier = integer(call, "input_channels"), integer(call, "channel_multiplier")
    outputs, cells = weights.values.shape
    matrix = np.zeros((outputs, cells, inputs), np.int8)
    channels = np.arange(outputs)
    matrix[channels, :, channels // multiplier] = weights.values
    fields = dict(call.fields) | {"weights": Weights(matrix.reshape(outputs, -1), outputs)}
    named = {_AS_CONVOLUTION.get(name, name): value for name, value in fields.items()}
    named |= {"output_channels": outputs}
    return KernelCall(kernel, named, room=call.room, share=inputs)


def _three_by_three(call: KernelCall, sums: Sums, kernel: str, decoded: bool) -> KernelCall:
    """Scratch for tiles, which are read past their end."""
    stride, width = integer(call, "stride_width"), integer(call, "output_width")
    outputs = NARROW if kernel == "depthwise_3x3_narrow_dsp" else 6
    names = (
        "input_height", "input_width", "input_channels", "output_width", "stride_height",
        "padding_top", "padding_left", "input_zero_point", "activation_min", "activation_max",
    )  # fmt: skip
    fields = {name: call.fields[name] for name in names}
    weights = _in_blocks(sums) if decoded else _in_place(sums)
    fields |= {
        "decoded": weights.block if decoded else 0,
        "packed": 0,
        "weights": weights,
        **rounding(call, sums),
    }
    columns = -(-width // outputs) * outputs
    scratch = 24 * columns * stride + TAIL
    return KernelCall(kernel, fields, scratch=scratch, share=columns / width)


def _in_place(sums: Sums) -> Weights:
    """Weights read in place."""
    ordered = np.ascontiguousarray(sums.weights.astype(np.int8)[:, ORDER])
    return Weights(ordered, len(ordered), codecs=("dense",))


def _in_blocks(sums: Sums) -> Weights:
    """Weights decoded block by block; the last block is the last four channels."""
    ordered = sums.weights.astype(np.int8)[:, ORDER]
    starts = [min(c, len(ordered) - BLOCK) for c in range(0, len(ordered), BLOCK)]
    values = np.stack([ordered[start : start + BLOCK].reshape(-1) for start in starts])
    nibbles = Weights(values, DECODED, codecs=("nibbles",))
    if codecs()["nibbles"].encode(nibbles) is not None:
        return nibbles
    # Other codecs find the last block only where reads of as many blocks come to it.
    return Weights(values, 1 if len(ordered) % BLOCK else DECODED)


def _any_window(call: KernelCall, sums: Sums) -> KernelCall:
    """Uncompressed weights: they are few, and would have to be decoded for each pixel."""
    left_out = (
        "channel_multiplier", "output_zero_point", "weights", "constants",
    )  # fmt: skip
    fields = {name: value for name, value in call.fields.items() if name not in left_out}
    values = _by_pairs(sums.weights.astype(np.int8))
    fields |= {
        "packed": 0,
        "weights": Weights(values, len(values), codecs=("dense",)),
        **rounding(call, sums),
    }
    cells = values.shape[1] // BLOCK
    return KernelCall("depthwise_dsp", fields, scratch=ADDRESS * cells + len(sums.weights))


def _has_pairs(call: KernelCall) -> bool:
    """Whether windows cover neighbouring columns, and pairs of columns are faster than the
    alternative: cells one by one, or portable code where channels share an input.
    """
    if integer(call, "stride_width") != 1 or integer(call, "dilation_width") != 1:
        return False
    return integer(call, "channel_multiplier") > 1 or _by_pair_cost(call) < _by_cell_cost(call)


def _by_pair_cost(call: KernelCall) -> float:
    """Instructions per output of depthwise_pairs_dsp, as measured: products of four pixels, their
    rounding, the weights of a row of outputs, and a row's pairs of four channels.
    """
    height, columns = integer(call, "kernel_height"), integer(call, "kernel_width")
    width, words = integer(call, "output_width"), columns // 2 + 1
    products = 9 + 7 * words
    weights = 15 + 35 * (columns // 4 + 1)
    pairs = 60 + 9 * (width + columns)
    filled = -(-width // PIXELS) * PIXELS / width
    return height * (filled * products / 4 + weights / width + pairs / (4 * width)) + 11 * filled


def _by_cell_cost(call: KernelCall) -> float:
    """The same of depthwise_dsp: each cell's products and its share of the cell's address."""
    cells = integer(call, "kernel_height") * integer(call, "kernel_width")
    return 12 + cells * (2.6 + 33 / integer(call, "input_channels"))


def _by_columns(call: KernelCall, sums: Sums) -> KernelCall:
    """Pairs of columns in scratch, of as many pixels as there is room for."""
    height, words = integer(call, "kernel_height"), integer(call, "kernel_width") // 2 + 1
    width = -(-integer(call, "output_width") // PIXELS) * PIXELS
    room = PAIRS // (2 * BLOCK * height) - 2 * words
    pixels = min(width, max(LEAST_PIXELS, room // PIXELS * PIXELS))
    names = (
        "channel_multiplier", "kernel_height", "kernel_width", "stride_height", "dilation_height",
        "padding_top", "padding_left", "input_zero_point", "activation_min", "activation_max",
    )  # fmt: skip
    values = sums.weights.astype(np.int8)
    fields = {
        "input_height": call.fields["input_height"],
        "input_width": call.fields["input_width"],
        "channels": call.fields["input_channels"],
        "output_width": call.fields["output_width"],
        "pixels": pixels,
        **{name: call.fields[name] for name in names},
        "packed": 0,
        "weights": Weights(values, len(values), codecs=("dense",)),
        **rounding(call, sums),
    }
    scratch = 8 * words * height + 4 * BLOCK * height * (pixels // 2 + words)
    filled = width / integer(call, "output_width") * 2 * words / integer(call, "kernel_width")
    return KernelCall("depthwise_pairs_dsp", fields, scratch=scratch, share=filled)


def _by_pairs(matrix: NDArray[np.int8]) -> NDArray[np.int8]:
    """Blocks of four channels (the last block is the last four), a0 a1 b0 b1, a2 a3 b2 b3 per pair
    of cells.
    """
    filled = np.pad(matrix, ((0, 0), (0, matrix.shape[1] % 2)))
    starts = [min(c, len(filled) - BLOCK) for c in range(0, len(filled), BLOCK)]
    blocks = np.stack([filled[start : start + BLOCK] for start in starts])
    split = blocks.reshape(len(starts), 2, 2, -1, 2)  # block, half, channel, pair, cell
    return np.ascontiguousarray(split.transpose(0, 3, 1, 4, 2)).reshape(len(starts), -1)


def _square(call: KernelCall) -> str | None:
    """The kernel for a window of 3 x 3; None for others."""
    window = ("kernel_height", "kernel_width", "dilation_height", "dilation_width")
    if [integer(call, name) for name in window] != [3, 3, 1, 1]:
        return None
    if integer(call, "stride_width") == 2:
        return "depthwise_3x3_stride_2_dsp"
    if integer(call, "stride_width") != 1:
        return None
    narrow = integer(call, "output_width") == NARROW
    return "depthwise_3x3_narrow_dsp" if narrow else "depthwise_3x3_dsp"
