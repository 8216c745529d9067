"""DEPTHWISE_CONV_2D on int16 for firmware/kernels/armv7e_m/depthwise_*int16*.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Member, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_convolution_int16 import ORDER as NEIGHBOURS
from tinycomp.kernels._dsp_convolution_int16 import convolution_int16
from tinycomp.kernels._dsp_depthwise import ADDRESS, BLOCK, ORDER, TAIL, over_all_channels
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._dsp_sums_int16 import Sums16, sums_of_int16

OUTPUTS = 6
"""Output pixels of a row computed together for a window of 3 x 3."""
_SQUARE = {1: "depthwise_3x3_int16_dsp", 2: "depthwise_3x3_stride_2_int16_dsp"}
"""Kernels for 3 x 3, by horizontal stride."""


def depthwise_int16(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The DSP kernel's call; None if channels share an input channel, unless there are few, or
    values exceed its bounds.
    """
    if integer(call, "input_channels") < BLOCK:
        return convolution_int16(over_all_channels(call, "conv_2d_int16"), operands, stored)
    sums = sums_of_int16(call)
    if sums is None or integer(call, "channel_multiplier") != 1:
        return None
    window = ("kernel_height", "kernel_width", "dilation_height", "dilation_width")
    stride = integer(call, "stride_width")
    if [integer(call, name) for name in window] == [3, 3, 1, 1] and stride in _SQUARE:
        return _three_by_three(call, sums, stride)
    return _any_window(call, sums)


def _three_by_three(call: KernelCall, sums: Sums16, stride: int) -> KernelCall:
    """Scratch for tiles, which are read past their end. Weights lie uncompressed: they are few, and
    would have to be decoded for each row.
    """
    names = ("output_width", "stride_height", "padding_top", "padding_left")
    values = np.ascontiguousarray(sums.weights[:, ORDER])
    tiles = -(-integer(call, "output_width") // OUTPUTS)
    return KernelCall(
        _SQUARE[stride],
        _fields(call, sums, names, values),
        scratch=24 * OUTPUTS * stride * tiles + TAIL,
    )


def _any_window(call: KernelCall, sums: Sums16) -> KernelCall:
    """An address for each cell of a window."""
    names = (
        "output_width", "kernel_height", "kernel_width", "stride_height", "stride_width",
        "dilation_height", "dilation_width", "padding_top", "padding_left",
    )  # fmt: skip
    starts = [min(c, len(sums.weights) - BLOCK) for c in range(0, len(sums.weights), BLOCK)]
    blocks = np.stack([sums.weights[start : start + BLOCK].T for start in starts])
    values = np.ascontiguousarray(blocks[:, :, NEIGHBOURS]).reshape(len(blocks), -1)
    scratch = ADDRESS * sums.weights.shape[1] + 2 * len(sums.weights)
    fields = _fields(call, sums, names, values)
    return KernelCall("depthwise_int16_dsp", fields, scratch=scratch)


def _fields(
    call: KernelCall, sums: Sums16, names: tuple[str, ...], values: NDArray[np.int8]
) -> dict[str, Member]:
    """The members of a struct; names: those between the input's shape and the activation."""
    return {
        "input_height": call.fields["input_height"],
        "input_width": call.fields["input_width"],
        "channels": call.fields["input_channels"],
        **{name: call.fields[name] for name in names},
        "activation_min": call.fields["activation_min"],
        "activation_max": call.fields["activation_max"],
        "packed": 0,
        "weights": Weights(values, len(values), codecs=("dense",)),
        "factors": sums.factors(),
    }
