"""Positions of non-zero weights: a bitmap, and how many there are before each block of channels.

With these counts a decoder can start at any block; firmware/codecs/spread.h reads them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._packing import exact_divisor, pack, unpack
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array


def describe_zeros(weights: Weights) -> dict[str, int | Array] | None:
    """Fields bitmap, starts, inverse, shift; None for more than 65535 non-zeros."""
    flags = weights.values != 0
    starts = starts_of(flags, weights.block)
    if starts is None:
        return None
    shift, inverse = exact_divisor(weights.block * flags.shape[1])
    return {
        "bitmap": pack(flags, 1),
        "starts": starts,
        "inverse": inverse,
        "shift": shift,
    }


def starts_of(flags: NDArray[np.bool_], block: int) -> NDArray[np.uint16] | None:
    """How many flags are set before each block of channels, and in all; None above 65535."""
    counts = np.add.reduceat(flags.sum(axis=1, dtype=np.int64), range(0, len(flags), block))
    starts = np.concatenate([[0], np.cumsum(counts)])
    return None if starts[-1] > 0xFFFF else starts.astype(np.uint16)


def spread(encoded: Encoded, values: Array, shape: tuple[int, int]) -> NDArray[np.int8]:
    """The non-zero values, given in order, placed among the zeros."""
    flags = unpack(encoded.array("bitmap"), 1, shape[0] * shape[1]).astype(bool)
    result = np.zeros(flags.shape, np.int8)
    result[flags] = values[: np.count_nonzero(flags)]
    return result.reshape(shape)
