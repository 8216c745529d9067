"""Constants of the AVR kernels: blocks of four channels with 24-bit sums.

Activations are taken plus 128; the initial values of the sums compensate for this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Array
from tinycomp.kernels._dsp_sums import channels_of, integer, reach, wide
from tinycomp.ops._weighted import SUM_LIMIT

BLOCK = 4
TWICE, ONCE = 0x80, 0
"""How sums are rounded (output_avr.h)."""
_LARGEST_SHIFT = 31


def interleaved(weights: Weights, blocks: Array, codecs: tuple[str, ...], block: int) -> Weights:
    """Weights as rows of blocks (four channels each), with the four weights of a position adjacent.

    block: blocks per read; 0 if the kernel reads weights in place.
    """
    values = weights.values[blocks].transpose(0, 2, 1)
    rows = np.ascontiguousarray(values).reshape(len(blocks), -1)
    return Weights(rows, block, weights.codebook, codecs)


def constants(call: KernelCall, blocks: Array) -> NDArray[np.uint8] | None:
    """Each block's constants as they lie in program memory (output_avr.h); None where numbers leave
    the kernels' bounds.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    matrix = weights.values.astype(np.int64)
    bias, shift, multiplier = wide(channels_of(call))
    least, most = reach(matrix, bias)
    fits = (np.maximum(-least, most) < SUM_LIMIT) & (shift < 0) & (shift >= -_LARGEST_SHIFT)
    if not fits.all():
        return None
    starts = _bytes(bias - 128 * matrix.sum(axis=1), 3)[blocks].reshape(len(blocks), -1)
    scaling = np.concatenate([_bytes(2 * multiplier, 4), _bytes(-shift, 1)], axis=1)[blocks]
    return np.concatenate([starts, scaling.reshape(len(blocks), -1)], axis=1).reshape(-1)


def output(call: KernelCall, half: int) -> dict[str, int]:
    """The fields for requantization; `half`: see output_avr.h."""
    names = ("output_zero_point", "activation_min", "activation_max")
    zero_point, low, high = (integer(call, name) for name in names)
    return {"half": half, "low": low - zero_point, "smallest": low, "range": high - low}


def _bytes(values: Array, count: int) -> NDArray[np.uint8]:
    """Bytes (channels, count), lowest first."""
    places: NDArray[np.uint8] = (values[:, None] >> 8 * np.arange(count) & 255).astype(np.uint8)
    return places
