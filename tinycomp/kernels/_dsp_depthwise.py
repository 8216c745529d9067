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
NARROW = 5
"""The output width with its own tile; others are split into tiles of six."""


def depthwise(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The DSP kernel's call; None if channels share one of many input channels, or values exceed
    its bounds.
    """
    if integer(call, "input_channels") < BLOCK:
        return _over_all_channels(call, operands, stored)
    sums = sums_of(call)
    if sums is None or integer(call, "channel_multiplier") != 1:
        return None
    kernel = _square(call)
    if kernel is None:
        return _any_window(call, sums)
    return _three_by_three(call, sums, kernel, stored is not None and stored.buffered)


def _over_all_channels(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """A convolution over all input channels, with zero weights for all but one: of so few channels,
    it is faster than to compute them one by one.
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
    return convolution(
        KernelCall("conv_2d", named | {"output_channels": outputs}, room=call.room),
        operands,
        stored,
    )


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
    columns = -(-width // outputs) * outputs * stride
    return KernelCall(kernel, fields, scratch=24 * columns + TAIL)


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
