"""FULLY_CONNECTED for firmware/kernels/armv7e_m/fully_connected_dsp.h."""

from __future__ import annotations

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall, Operands, Weights
from tinycomp.kernels._dsp_sums import SUM_LIMIT, integer, reach, wrapped
from tinycomp.kernels._dsp_words import interleaved, offsets, weight_words

BLOCK = 8
"""Outputs that share each activation."""
LARGEST_SHIFT = 21
"""(2 * zero point + 1) << shift, and the product's high word on top, stay within 32 bits."""


def fully_connected(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The call of the DSP kernel; None where weights are decoded or numbers leave its bounds."""
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    matrix = weights.values.astype(np.int64)
    bias = np.asarray(call.fields["bias"], np.int64)
    # A sum lies 256-fold in its register, and the product's lower word is dropped.
    shift = 6 - np.asarray(call.fields["shift"], np.int64)
    low, high = reach(matrix, bias)
    words = weight_words(matrix, len(matrix))
    fits = (np.maximum(-low, high) < SUM_LIMIT).all() and 0 <= shift.min() <= shift.max()
    if not fits or shift.max() > LARGEST_SHIFT or integer(call, "extended") or words is None:
        return None
    if stored is None or stored.buffered:
        return None
    values = interleaved(words, BLOCK).reshape(len(words), -1)
    names = ("width", "input_size", "output_size", "channel_step")
    fields = {name: call.fields[name] for name in names}
    for name in ("output_zero_point", "activation_min", "activation_max"):
        fields[name] = call.fields[name]
    fields |= {
        "weights": Weights(values, len(values), codecs=(stored.codec,)),
        "start": wrapped(256 * bias - offsets(words)),
        "multiplier": call.fields["multiplier"],
        "shift": shift.astype(np.int8),
    }
    filled = words.shape[1] if matrix.shape[1] % 4 else 0
    return KernelCall("fully_connected_dsp", fields, scratch=filled)
