"""Common to convolutions and dense layers on int16: 64-bit sums and biases, rounded once.

The multiplier has 15 bits, so that its product with a sum stays within 64 bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.int16._form import bounds, clamped
from tinycomp.ir.fixed_point import quantize_multiplier, reduced_multiplier, requantize_wide
from tinycomp.ir.kernel_call import Channels, Member, Weights
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._activation import Activation
from tinycomp.ops._weighted import channel_scales, weights_and_bias

MOST = 1 << 47
"""Sums below it are what LiteRT's arithmetic is defined for."""
_LARGEST_SHIFT = 7


def exact_sums(rows: Array, matrix: NDArray[np.int8]) -> NDArray[np.int64]:
    """int16 rows (..., length) times each row of matrix (channels, length), exactly, by BLAS."""
    product: Array = rows.astype(np.float64) @ matrix.astype(np.float64).T
    return product.astype(np.int64)


def requantized(sums: Array, operands: Operands, activation: Activation) -> NDArray[np.int16]:
    """Sums (..., channels), biases included, as the layer's output."""
    multipliers, shifts = factors(operands, sums.shape[-1])
    return clamped(requantize_wide(sums, multipliers, shifts), activation, operands.output)


def factors(operands: Operands, channels: int) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """The reduced multiplier and the shift of each output channel."""
    found = [quantize_multiplier(float(scale)) for scale in channel_scales(operands, channels)]
    multipliers = np.array([reduced_multiplier(each.multiplier) for each in found], np.int32)
    return multipliers, np.array([each.shift for each in found], np.int8)


def biases(operands: Operands, matrix: NDArray[np.int8]) -> NDArray[np.int64]:
    """The biases; matrix is (channels, weights per channel).

    Raises:
        ModelError: a sum could exceed what LiteRT's arithmetic is defined for.
    """
    values: NDArray[np.int64] = weights_and_bias(operands)[1].values.astype(np.int64)
    reach = np.abs(values) + 32768 * np.abs(matrix.astype(np.int64)).sum(axis=1)
    scales = channel_scales(operands, len(matrix))
    outside = (reach >= MOST) | (reach * scales >= 1 << 31) | (scales >= 1 << _LARGEST_SHIFT)
    if outside.any():
        raise ModelError(
            f"The sums of {operands.output.name!r} can reach {reach.max():.3g}, or "
            f"{(reach * scales).max():.3g} output steps.",
            expected=(
                "Expected less than 2^47, 2^31 output steps, and 2^7 output steps "
                "per step of a sum."
            ),
            hint="Give the layer smaller biases, or calibrate it with other data.",
        )
    return values


def last_fields(operands: Operands, weights: Weights, activation: Activation) -> dict[str, Member]:
    """The last members of the structs of weighted kernels."""
    low, high = bounds(activation, operands.output)
    multipliers, shifts = factors(operands, len(weights.values))
    lower, upper = words(biases(operands, weights.values))
    return {
        "activation_min": low,
        "activation_max": high,
        "weights": weights,
        "constants": Channels(lower, shifts, multipliers),
        "upper": upper,
    }


def words(biases: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32] | int]:
    """The lower words of biases, and the upper ones; 0 if they are all 0."""
    lower = biases.astype(np.int32)  # wraps: the upper words count what is missing
    upper = ((biases - lower) >> 32).astype(np.int32)
    return lower, upper if upper.any() else 0
