"""FULLY_CONNECTED for firmware/kernels/lx6/fully_connected_mac16.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import channels_of, integer, reach, wide
from tinycomp.kernels._mac16_line import Integers, Lines, lines
from tinycomp.kernels._mac16_weights import GROUP
from tinycomp.kernels._scalar_words import coded, workspace

BLOCK = 16
"""Outputs computed together."""
OFFSET = 128
"""Added to weights at even positions."""


def fully_connected(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The MAC16 kernel's call; None if values exceed its bounds."""
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    if stored is None or integer(call, "extended"):
        return None
    matrix = weights.values.astype(np.int64)
    # The kernel pads vectors with zeros.
    filled = np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % GROUP)), constant_values=matrix[0, 0])
    found = _lines(call, matrix, filled)
    size = filled.shape[1]
    block = min(len(matrix), BLOCK, max(1, call.room // size) if stored.buffered else BLOCK)
    lying = _lying(filled, block, stored)
    if found is None or lying is None:
        return None
    names = ("width", "input_size", "output_size")
    fields = {name: call.fields[name] for name in names}
    fields |= {
        "two_sided": int(found.two_sided),
        "coded": int(stored.buffered),
        "workspace": workspace(lying),
        "fours": size // GROUP,
        "block": block,
        "weights": lying,
        "factors": found.factors,
    }
    return KernelCall("fully_connected_mac16", fields, scratch=2 * size + GROUP)


def _lying(filled: NDArray[np.int64], block: int, stored: Encoded) -> Weights | None:
    """Words, or plain weights if they must be decoded."""
    if stored.buffered:
        return coded(filled.astype(np.int8), block, stored)
    words = filled.astype(np.uint8)
    words[:, ::2] ^= OFFSET
    return Weights(words.view(np.int8), block, codecs=("words",))


def _lines(call: KernelCall, matrix: NDArray[np.int64], filled: NDArray[np.int64]) -> Lines | None:
    """Requantization of sums, rounding once."""
    bias, left, multiplier = wide(channels_of(call))
    total = 31 - left
    if total.min() < 1:
        return None
    offset = bias - ((127 * (filled[:, ::2] + OFFSET).sum(axis=1)) >> 8)  # of the true sum
    low, high = (bound - offset for bound in reach(matrix, bias))
    zero_point = integer(call, "output_zero_point")
    least, most = integer(call, "activation_min"), integer(call, "activation_max")

    def outputs(found: Integers) -> Integers:
        product = (found + offset[:, None]) * multiplier[:, None]
        rounded = (product + (1 << (total[:, None] - 1))) >> total[:, None]
        result: Integers = np.clip(rounded + zero_point, least, most)
        return result

    return lines(outputs, low, high, -offset, multiplier * 2.0**-total)
