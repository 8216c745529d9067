"""Constants of the AVR kernels: blocks of four channels, whose sums have 24 bits.

Activations count from -128: what is left out of a sum for it lies in what the sum starts at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import Array, KernelCall, Weights
from tinycomp.kernels._dsp_sums import reach, wrapped

BLOCK = 4
LARGEST_SHIFT = 31
_SUM_LIMIT = 1 << 23
_VALUE_LIMIT = 1 << 14
"""Outputs before they are clamped have 16 bits."""


def stored_by_layer(stored: Encoded | None) -> bool:
    """Whether weights may change places within their layer."""
    return stored is not None and stored.codec != "channel_codebook"


def interleaved(weights: Weights, blocks: Array) -> Weights:
    """Rows of blocks (blocks, 4: numbers of channels), the four weights of a place side by side."""
    values = weights.values[blocks].transpose(0, 2, 1)
    codebook = weights.codebook
    return Weights(
        np.ascontiguousarray(values).reshape(len(blocks), -1),
        1,
        codebook if codebook is not None and len(codebook) == 1 else None,
    )


def factors(call: KernelCall, blocks: Array) -> NDArray[np.int32] | None:
    """Each block's multipliers, of 32 bits, and starts, with the shifts above their 24 bits; None
    where numbers leave the kernels' bounds.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    matrix = weights.values.astype(np.int64)
    bias = np.asarray(call.fields["bias"], np.int64)
    multiplier, shift = (
        np.broadcast_to(np.asarray(call.fields[name], np.int64), bias.shape)
        for name in ("multiplier", "shift")
    )
    least, most = reach(matrix, bias)
    largest = np.maximum(-least, most)
    fits = (largest < _SUM_LIMIT) & (shift < 0) & (shift >= -LARGEST_SHIFT)
    fits &= (largest * multiplier) >> 31 < _VALUE_LIMIT << np.minimum(-shift, LARGEST_SHIFT)
    if not fits.all():
        return None
    start = (bias - 128 * matrix.sum(axis=1)) % (2 * _SUM_LIMIT) - (shift << 24)
    return wrapped(np.concatenate([2 * multiplier[blocks], start[blocks]], axis=1).reshape(-1))
