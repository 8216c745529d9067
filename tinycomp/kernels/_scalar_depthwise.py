"""DEPTHWISE_CONV_2D for firmware/kernels/scalar/depthwise*.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import Sums, channel_pairs, integer, reach, sums_of

SUM_LIMIT = 1 << 20
LARGEST_SHIFT = 22
"""See requantize.h."""
BLOCK = 4
"""Channels computed together if the window is not 3 x 3."""
ADDRESS = 8
"""Bytes of an address, at most."""
DECODED = 16
"""Channels per decoded block of weights."""


def depthwise(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The scalar kernel's call; None if channels share an input channel, or values exceed its
    bounds.
    """
    sums = sums_of(call)
    if sums is None or integer(call, "channel_multiplier") != 1 or not fits(sums):
        return None
    together = DECODED if stored is not None and stored.buffered else len(sums.bias)
    return _three_by_three(call, sums, together) or _any_window(call, sums, together)


def fits(sums: Sums) -> bool:
    """Whether sums and shifts stay within the bounds of requantize.h."""
    low, high = reach(sums.weights, sums.bias)
    return bool(max(-low.min(), high.max()) < SUM_LIMIT and sums.shift.max() <= LARGEST_SHIFT)


def _three_by_three(call: KernelCall, sums: Sums, together: int) -> KernelCall | None:
    """The 3 x 3 kernel's call; None for other windows, or too many columns beyond a border."""
    window = ("kernel_height", "kernel_width", "dilation_height", "dilation_width")
    stride, left = integer(call, "stride_width"), integer(call, "padding_left")
    input_width, output_width = integer(call, "input_width"), integer(call, "output_width")
    beyond = max(0, (output_width - 1) * stride + 3 - left - input_width)
    kernel = {1: "depthwise_3x3_scalar", 2: "depthwise_3x3_stride_2_scalar"}.get(stride)
    if kernel is None or [integer(call, name) for name in window] != [3, 3, 1, 1]:
        return None
    if max(left * stride, beyond) > 2 or left + input_width < 2:
        return None
    fields = {
        "input_height": integer(call, "input_height"),
        "channels": integer(call, "input_channels"),
        "block": together,
        "inside": output_width - (min(beyond, 1) if stride == 2 else beyond),
        "beyond": beyond,
    }
    names = (
        "stride_height", "padding_top", "padding_left", "input_zero_point", "output_zero_point",
        "activation_min", "activation_max",
    )  # fmt: skip
    fields |= {name: integer(call, name) for name in names}
    weights = Weights(sums.weights.astype(np.int8), together, _codebook(call))
    fields |= {"packed": 0}
    return KernelCall(kernel, fields | {"weights": weights, "factors": starts_and_factors(sums)})


def _any_window(call: KernelCall, sums: Sums, together: int) -> KernelCall | None:
    """The call for any window; None if there are fewer channels than a block."""
    channels = len(sums.bias)
    if channels < BLOCK:
        return None
    left_out = ("channel_multiplier", "weights", "constants")
    names = [name for name in call.fields if name not in left_out]
    place = names.index("output_width") + 1
    blocks = -(-together // BLOCK)
    values = _in_blocks(sums.weights.astype(np.int8))
    fields = {name: call.fields[name] for name in names[:place]} | {"blocks": blocks}
    fields |= {name: call.fields[name] for name in names[place:]}
    fields |= {
        "packed": 0,
        "weights": Weights(values, blocks, _codebook(call)),
        "factors": starts_and_factors(sums),
    }
    scratch = ADDRESS * (values.shape[1] // BLOCK) + channels
    return KernelCall("depthwise_scalar", fields, scratch=scratch)


def _in_blocks(matrix: NDArray[np.int8]) -> NDArray[np.int8]:
    """Blocks of four channels, the last block being the last four, cell by cell."""
    starts = [min(c, len(matrix) - BLOCK) for c in range(0, len(matrix), BLOCK)]
    return np.stack([matrix[start : start + BLOCK].T.reshape(-1) for start in starts])


def _codebook(call: KernelCall) -> NDArray[np.int8] | None:
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    return weights.codebook


def starts_and_factors(sums: Sums) -> Channels:
    """For requantize.h, per channel: bias * 32 + right shift + 1, multiplier."""
    return channel_pairs(32 * sums.bias, sums.shift + 1, sums.multiplier)
