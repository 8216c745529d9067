"""FULLY_CONNECTED for firmware/kernels/armv7e_m/fully_connected_dsp.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import Array, KernelCall, Operands, Weights
from tinycomp.kernels._dsp_sums import SUM_LIMIT, integer, reach, wrapped
from tinycomp.kernels._dsp_weights import LEAST, PAIR_TABLE, indices_of
from tinycomp.kernels._dsp_words import interleaved, offsets, weight_words

GROUP = 4
"""Weights that share a word of activations."""
PAIRS = (0, 2, 1, 3)
"""Their order where they are looked up in pairs: as SXTB16 takes activations apart."""
BLOCK = 8
"""Outputs that share each activation."""
SMALLER = 2 / 3
"""The share of 4-bit indices that a form has to reach which is not looked up."""
LARGEST_SHIFT = 21
"""(2 * zero point + 1) << shift, and the product's high word on top, stay within 32 bits."""


def fully_connected(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The call of a DSP kernel; None where numbers leave its bounds, or many weights are decoded
    that are not of a small codebook.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    matrix = weights.values.astype(np.int64)
    bias = np.asarray(call.fields["bias"], np.int64)
    # A sum lies 256-fold in its register, and the product's lower word is dropped.
    shift = 6 - np.asarray(call.fields["shift"], np.int64)
    low, high = reach(matrix, bias)
    fits = (np.maximum(-low, high) < SUM_LIMIT).all() and 0 <= shift.min() <= shift.max()
    if not fits or shift.max() > LARGEST_SHIFT or integer(call, "extended") or stored is None:
        return None
    if stored.buffered and matrix.size >= LEAST:
        found = _looked_up(matrix, bias)
        # Weights that are mostly zeros, or entropy coded, may be worth more than speed.
        if stored.size < SMALLER * matrix.size / 2:
            return None
    else:
        found = _in_place(matrix, bias)
    if found is None:
        return None
    names = ("width", "input_size", "output_size", "channel_step")
    fields = {name: call.fields[name] for name in names}
    for name in ("output_zero_point", "activation_min", "activation_max"):
        fields[name] = call.fields[name]
    fields |= {
        "weights": found.weights,
        "start": found.start,
        "multiplier": call.fields["multiplier"],
        "shift": shift.astype(np.int8),
    }
    filled = -(-matrix.shape[1] // GROUP) * GROUP if matrix.shape[1] % GROUP else 0
    return KernelCall(found.kernel, fields, scratch=found.scratch + filled)


@dataclass(frozen=True, eq=False)
class _Form:
    """A kernel, with weights and the starts of sums as it wants them."""

    kernel: str
    weights: Weights
    start: Array
    scratch: int = 0


def _in_place(matrix: Array, bias: Array) -> _Form | None:
    """Weights are words that are multiplied as they lie."""
    words = weight_words(matrix, len(matrix))
    if words is None:
        return None
    start = wrapped(256 * bias - offsets(words))
    if matrix.size < LEAST:
        weights = Weights(words, len(words), codecs=("dense",))
        return _Form("fully_connected_small_dsp", weights, start)
    values = interleaved(words, BLOCK).reshape(len(words), -1)
    return _Form("fully_connected_dsp", Weights(values, len(values), codecs=("dense",)), start)


def _looked_up(matrix: Array, bias: Array) -> _Form | None:
    """Weights are pairs of indices; the activations they are filled up with are zero, so what they
    are filled up with is not.
    """
    filled = np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % GROUP)), constant_values=matrix.flat[0])
    order = filled.reshape(len(filled), -1, GROUP)[:, :, PAIRS].reshape(len(filled), -1)
    values = interleaved(order.astype(np.int8), BLOCK).reshape(len(filled), -1)
    weights = indices_of(values)
    if weights is None:
        return None
    return _Form("fully_connected_codebook_dsp", weights, wrapped(256 * bias), PAIR_TABLE)
