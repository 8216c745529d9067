"""Constants of DSP kernels that round twice: the initial value of each channel's sums, and the
factor.

Sums are scaled by 256 (firmware/kernels/armv7e_m/gemm.h), so they have 24 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.fixed_point import requantize
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.ir.tensor import Array
from tinycomp.ops._weighted import SUM_LIMIT

LARGEST_SHIFT = 23
"""(2 * zero point + 1) << (shift - 1), and the rounded product on top, stay within 32 bits."""


@dataclass(frozen=True, eq=False)
class Sums:
    """A layer's channels for DSP kernels."""

    weights: NDArray[np.int64]
    """Shape (channels, weights per channel); zero in channels with a constant output."""
    bias: NDArray[np.int64]
    """Initial value of the sums, one per channel."""
    multiplier: NDArray[np.int64]
    """int32, one per channel."""
    shift: NDArray[np.int64]
    """Right shift of at least 1, one per channel."""


def sums_of(call: KernelCall) -> Sums | None:
    """The sums of a convolution's call; None if they exceed the bounds.

    A channel with the same output for all inputs gets zero weights: converters leave such channels
    with biases and shifts of any size.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    matrix = weights.values.astype(np.int64)
    bias, right, multiplier = wide(channels_of(call))
    low, high = reach(matrix, bias)
    least, most = (_output(call, sums, multiplier, right) for sums in (low, high))
    constant = least == most
    shift = np.where(constant, 1, -right)
    fits = (np.maximum(-low, high) < SUM_LIMIT) & (shift >= 1) & (shift <= LARGEST_SHIFT)
    if not (fits | constant).all():
        return None
    # smmlar(2 * sum, 2^30) is half the sum: 2 * (value - zero point), halved again at the end.
    zero_point = integer(call, "output_zero_point")
    return Sums(
        np.where(constant[:, None], 0, matrix),
        np.where(constant, 4 * (least - zero_point), bias),
        np.where(constant, 1 << 30, multiplier),
        shift,
    )


def channels_of(call: KernelCall) -> Channels:
    """The constants of a portable kernel's channels: biases, shifts, multipliers."""
    found = call.fields["constants"]
    assert isinstance(found, Channels)
    return found


def wide(channels: Channels) -> tuple[Array, Array, Array]:
    """start, low and multiplier, which leave 32 bits while they are worked on."""
    start, low, multiplier = (
        values.astype(np.int64) for values in (channels.start, channels.low, channels.multiplier)
    )
    return start, low, multiplier


def distinct(channels: Channels) -> int:
    """How many factors there are."""
    return len(np.unique(np.stack([channels.low, channels.multiplier], axis=1), axis=0))


def reach(matrix: Array, bias: Array) -> tuple[Array, Array]:
    """The smallest and largest sum of each channel over all int8 inputs."""
    positive, negative = np.maximum(matrix, 0).sum(axis=1), np.minimum(matrix, 0).sum(axis=1)
    return bias + 127 * negative - 128 * positive, bias + 127 * positive - 128 * negative


def _output(call: KernelCall, sums: Array, multiplier: Array, shift: Array) -> Array:
    """The int8 value of each channel's sum."""
    scaled = requantize(sums, multiplier, shift) + integer(call, "output_zero_point")
    low, high = integer(call, "activation_min"), integer(call, "activation_max")
    result: Array = np.clip(scaled, low, high)
    return result


def wrapped(values: Array) -> NDArray[np.int32]:
    """The lower 32 bits: partial sums in registers may wrap around."""
    result: NDArray[np.int32] = (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return result


def channel_pairs(
    start: Array, low: Array, multiplier: Array, block: int = 0, *, once: bool = False
) -> Channels:
    """Constants that a kernel reads as pairs of words, start + low being the first; low is below
    256, the same where factors are. once: sums are rounded once.
    """
    return Channels(
        wrapped(start),
        low.astype(np.uint8).view(np.int8),
        multiplier.astype(np.int32),
        pairs=True,
        block=block or len(low),
        once=once,
    )


def integer(call: KernelCall, field: str) -> int:
    """A field that is a number."""
    value = call.fields[field]
    assert isinstance(value, int)
    return value
