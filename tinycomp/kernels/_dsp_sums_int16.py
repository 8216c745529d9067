"""Channels of weighted layers on int16 for DSP kernels: 32-bit sums, and multipliers with which the
high word of a product is the output (firmware/kernels/armv7e_m/rounding_int16.h).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.fixed_point import requantize_wide
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.kernels._dsp_sums import channel_pairs, channels_of, integer, wide

LEAST_SHIFT, MOST_SHIFT = -17, -1
"""Of a factor multiplier * 2^(shift - 15): then it is a multiplier of 31 bits times 2^-32."""
_EXACT = 1 << 16
"""A constant output times 2^16, times this multiplier, has the output as its high word."""


@dataclass(frozen=True, eq=False)
class Sums16:
    """A layer's channels whose sums fit in 32 bits."""

    weights: NDArray[np.int8]
    """Shape (channels, weights per channel); zero in channels with a constant output."""
    start: NDArray[np.int64]
    """What sums start at, one per channel."""
    multiplier: NDArray[np.int64]
    """int32, one per channel."""

    def factors(self, channels: int = 0, block: int = 0) -> Channels:
        """The pairs of start and multiplier; zero in channels beyond the layer's own.

        Args:
            channels: how many there have to be at least.
            block: channels whose constants the kernel unpacks at a time; 0 for all.
        """
        more = max(0, channels - len(self.start))
        start, multiplier = (np.pad(each, (0, more)) for each in (self.start, self.multiplier))
        return channel_pairs(start, np.zeros_like(start), multiplier, block)


def sums_of_int16(call: KernelCall) -> Sums16 | None:
    """The sums of a call of a portable int16 kernel; None where one may leave 32 bits, or a factor
    is beyond the bounds.

    A channel with the same output for all inputs gets zero weights: converters leave such channels
    with factors of any size.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    if not isinstance(call.fields["upper"], int):
        return None
    matrix = weights.values.astype(np.int64)
    start, shift, multiplier = wide(channels_of(call))
    low, high = reach_of_int16(matrix, start)
    least, most = (_outputs(call, sums, multiplier, shift) for sums in (low, high))
    constant = least == most
    fits = (low >= -(1 << 31)) & (high < 1 << 31)
    fits &= (shift >= LEAST_SHIFT) & (shift <= MOST_SHIFT)
    if not (fits | constant).all():
        return None
    shifted = multiplier << np.clip(shift - LEAST_SHIFT, 0, MOST_SHIFT - LEAST_SHIFT)
    return Sums16(
        np.where(constant[:, None], 0, matrix).astype(np.int8),
        np.where(constant, least << 16, start),
        np.where(constant, _EXACT, shifted),
    )


def reach_of_int16(
    matrix: NDArray[np.int64], bias: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The smallest and largest sum of each channel over all int16 inputs."""
    positive, negative = np.maximum(matrix, 0).sum(axis=1), np.minimum(matrix, 0).sum(axis=1)
    low: NDArray[np.int64] = bias + 32767 * negative - 32768 * positive
    return low, bias + 32767 * positive - 32768 * negative


def _outputs(
    call: KernelCall, sums: NDArray[np.int64], multiplier: NDArray[np.int64],
    shift: NDArray[np.int64],
) -> NDArray[np.int64]:  # fmt: skip
    """The int16 value of each channel's sum."""
    scaled = requantize_wide(sums, multiplier, shift)
    low, high = integer(call, "activation_min"), integer(call, "activation_max")
    found: NDArray[np.int64] = np.minimum(np.maximum(scaled, low), high)
    return found
