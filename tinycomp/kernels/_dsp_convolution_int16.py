"""CONV_2D on int16 for firmware/kernels/armv7e_m/conv_2d_int16_dsp.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import choose, codecs
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._dsp_sums_int16 import sums_of_int16

PAIR, PIXELS, GROUP = 2, 4, 4
"""Output channels and output pixels computed together; weights multiplied together."""
ORDER = (0, 2, 1, 3)
"""Of a group's weights, so that SXTB16 extracts neighbours."""
_LEFT_OUT = ("weights", "constants", "upper")


def convolution_int16(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The DSP kernel's call; None if values exceed its bounds."""
    sums = sums_of_int16(call)
    if sums is None or stored is None:
        return None
    channels = operands.output.shape[-1]
    values = _by_pairs(call, sums.weights)
    weights = as_stored(values, stored, call.room)
    block = PAIR * weights.block
    fields = {name: value for name, value in call.fields.items() if name not in _LEFT_OUT}
    fields |= {
        "packed": 0,
        "block": block,
        "weights": weights,
        "factors": sums.factors(channels + channels % PAIR, block),
    }
    line = integer(call, "kernel_width") * integer(call, "input_channels")
    window = values.shape[1] // PAIR
    scratch = 2 * PIXELS * window + 4 * integer(call, "kernel_height") + 2 * (line + line % 2)
    return KernelCall("conv_2d_int16_dsp", fields, scratch=scratch)


def _by_pairs(call: KernelCall, matrix: NDArray[np.int8]) -> NDArray[np.int8]:
    """Pairs of channels, (pairs, bytes): per group of four weights four bytes of each. Rows of a
    window are filled up to pairs, windows to groups.
    """
    rows = matrix.reshape(len(matrix), integer(call, "kernel_height"), -1)
    rows = np.pad(rows, ((0, len(rows) % PAIR), (0, 0), (0, rows.shape[2] % 2)))
    flat = rows.reshape(len(rows), -1)
    flat = np.pad(flat, ((0, 0), (0, -flat.shape[1] % GROUP)))
    groups = flat.reshape(len(flat) // PAIR, PAIR, -1, GROUP)[..., ORDER]
    return np.ascontiguousarray(groups.transpose(0, 2, 1, 3)).reshape(len(groups), -1)


def as_stored(values: NDArray[np.int8], stored: Encoded, room: int, together: int = 1) -> Weights:
    """The weights in place, or decoded in blocks of about `room` bytes by the portable kernel's
    codec, if that can hold them in this order.

    Args:
        values: (rows, bytes).
        stored: what the portable kernel reads.
        room: bytes.
        together: rows that a block consists of at least.
    """
    if not stored.buffered:
        return Weights(values, len(values), codecs=("dense",))
    block = max(together, room // values.shape[1] // together * together)
    weights = Weights(values, min(len(values), block))
    encoded = codecs()[stored.codec].encode(weights) or choose(weights)
    return Weights(values, weights.block, codecs=(encoded.codec,))
