"""CONV_2D for firmware/kernels/scalar/conv_2d_scalar.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import Sums, channel_pairs, integer, sums_of
from tinycomp.kernels._scalar_small_convolution import small_convolution
from tinycomp.kernels._scalar_words import (
    GROUP,
    coded,
    fields,
    fit,
    grouped,
    runs,
    words,
    workspace,
)

PIXELS, PAIR = 4, 2
"""Output pixels and channels computed together."""
OFFSET = 4
"""Bytes of a row's offset."""
FLAGS = 16
"""Bits per word of flags."""
LARGEST_SHIFT = 22
"""(2 * zero point + 1) << shift, and the product on top, stay within 32 bits."""
_CONSTANTS = ("weights", "constants")


def convolution(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The scalar kernel's call; None if values exceed its bounds."""
    sums = sums_of(call)
    if sums is None or stored is None or sums.shift.max() > LARGEST_SHIFT:
        return None
    if not stored.buffered and (small := small_convolution(call, sums)) is not None:
        return small
    matrix = sums.weights
    groups = grouped(np.pad(matrix, ((0, len(matrix) % PAIR), (0, 0))))
    if not fit(fields(groups)):
        return None
    pairs = groups.reshape(len(groups) // PAIR, PAIR, -1, GROUP)
    weights = _stored(pairs, stored, call.room)
    if weights is None:
        return None
    constants = {name: value for name, value in call.fields.items() if name not in _CONSTANTS}
    constants |= {
        "coded": int(stored.buffered),
        "workspace": workspace(weights),
        "packed": 0,
        "words": groups.shape[1],
        "block": PAIR * weights.block,
        "weights": weights,
        "flags": np.concatenate([_flags(pair) for pair in pairs]),
        "factors": _factors(sums, len(groups)),
    }
    odd = integer(call, "input_channels") % GROUP != 0
    scratch = groups.shape[1] * (8 * PIXELS + (4 if odd else 0))
    scratch += OFFSET * integer(call, "kernel_height")
    in_place = weights.block == len(pairs) and _pointwise(call, operands)
    return KernelCall("conv_2d_scalar", constants, scratch=scratch, in_place=in_place)


def _pointwise(call: KernelCall, operands: Operands) -> bool:
    """Whether each output pixel can overwrite its input pixel, which has as many channels."""
    ones = ("kernel_height", "kernel_width", "stride_height", "stride_width")
    same = operands.activations[0].shape == operands.output.shape
    return same and all(integer(call, name) == 1 for name in ones)


def _stored(pairs: NDArray[np.int64], stored: Encoded, room: int) -> Weights | None:
    """Words of the two channels of a pair in turn; unchanged bytes if they must be decoded, about
    `room` bytes at a time.
    """
    if stored.buffered:
        values = pairs.swapaxes(1, 2).reshape(len(pairs), -1).astype(np.int8)
        return coded(values, min(len(pairs), max(1, room // values.shape[1])), stored)
    values = np.ascontiguousarray(words(pairs).swapaxes(1, 2)).view(np.int8)
    return Weights(values.reshape(len(pairs), -1), len(pairs), codecs=("words",))


def _flags(pair: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Flags of the ends of a pair's runs for tile_4x2.h, and 0."""
    found: list[list[int]] = []
    for count, halves in runs(fields(pair), FLAGS - 1):
        if halves or not found or len(found[-1]) + count > FLAGS:
            found.append([int(halves)])
        found[-1] += [0] * (count - 1) + [1]
    numbers = [int("".join(map(str, flags)).ljust(FLAGS, "0"), 2) for flags in found]
    return np.array([*numbers, 0], np.uint16)


def _factors(sums: Sums, channels: int) -> Channels:
    """Per channel: bias * 32 + right shift, multiplier."""
    more = channels - len(sums.bias)
    start, shift, multiplier = (
        np.pad(each, (0, more)) for each in (32 * sums.bias, sums.shift, sums.multiplier)
    )
    return channel_pairs(start, shift, multiplier)
