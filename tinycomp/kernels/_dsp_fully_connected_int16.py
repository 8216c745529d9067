"""FULLY_CONNECTED on int16 for firmware/kernels/armv7e_m/fully_connected_int16_dsp.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_convolution_int16 import GROUP, ORDER, as_stored
from tinycomp.kernels._dsp_words import interleaved
from tinycomp.kernels._fully_connected_int16 import Factored

BLOCK = 4
"""Outputs that share each activation."""


def fully_connected_int16(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The DSP kernel's call; None where there are no integer factors."""
    found = Factored.of(call)
    if found is None or stored is None:
        return None
    inputs = found.matrix.shape[1]
    words = _words(found.matrix, stored)
    weights = as_stored(words, stored, call.room, BLOCK)
    fields = {"block": weights.block, **found.fields(weights)}
    scratch = 2 * words.shape[1] if inputs % GROUP else 0
    return KernelCall("fully_connected_int16_dsp", fields, scratch=scratch)


def _words(matrix: NDArray[np.int8], stored: Encoded) -> NDArray[np.int8]:
    """Words of the outputs of each block, in turn. What rows are filled up with meets activations
    that are zero: it is a value that a codebook has.
    """
    value = matrix.flat[0] if stored.buffered else 0
    rows = np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % GROUP)), constant_values=value)
    words = rows.reshape(len(rows), -1, GROUP)[..., ORDER].reshape(rows.shape)
    return interleaved(words, BLOCK).reshape(rows.shape)
