"""FULLY_CONNECTED for firmware/kernels/scalar/fully_connected_scalar.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import codecs
from tinycomp.ir import Array, KernelCall, Operands, Weights
from tinycomp.kernels._dsp_fully_connected import LARGEST_SHIFT
from tinycomp.kernels._dsp_sums import SUM_LIMIT, integer, reach
from tinycomp.kernels._scalar_words import GROUP, fields, fit, grouped, runs

BLOCK = 8
"""Outputs that share each activation."""
HALVES = 1
"""Behind a 0, stands for a word whose two products are runs of their own."""
WORD_BYTES = 12
"""Of an expanded word of activations."""
MOST_WORDS = 0xFFFF // WORD_BYTES


def fully_connected(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The call of the scalar kernel; None where numbers leave its bounds."""
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    bias = np.asarray(call.fields["bias"], np.int64)
    # A sum is multiplied 256-fold, and the product's lower word is dropped.
    shift = 6 - np.asarray(call.fields["shift"], np.int64)
    low, high = reach(weights.values.astype(np.int64), bias)
    more = -len(bias) % BLOCK
    groups = grouped(np.pad(weights.values, ((0, more), (0, 0))))
    if (np.maximum(-low, high) >= SUM_LIMIT).any() or integer(call, "extended"):
        return None
    if groups.shape[1] > MOST_WORDS:
        return None
    if not 0 <= shift.min() <= shift.max() <= LARGEST_SHIFT or not fit(fields(groups)):
        return None
    blocks = groups.reshape(len(groups) // BLOCK, BLOCK, -1, GROUP)
    lying = _stored(blocks, stored)
    if lying is None:
        return None
    names = ("width", "input_size", "output_size")
    constants = {name: call.fields[name] for name in names}
    step = integer(call, "channel_step")
    constants |= {"block": BLOCK * lying.block, "channel_step": step}
    for name in ("output_zero_point", "activation_min", "activation_max"):
        constants[name] = call.fields[name]
    constants |= {
        "weights": lying,
        "runs": np.concatenate([_runs(block) for block in blocks]),
        "bias": np.pad(bias, (0, more)).astype(np.int32),
        "multiplier": np.pad(call.fields["multiplier"], (0, step * more)),
        "shift": np.pad(shift, (0, step * more)).astype(np.int8),
    }
    scratch = WORD_BYTES * groups.shape[1]
    return KernelCall("fully_connected_scalar", constants, scratch=scratch)


def _stored(blocks: NDArray[np.int64], stored: Encoded | None) -> Weights | None:
    """Positive weights, 128 more than they are, a word of each output in turn; None where their
    codec wants zeros.
    """
    values = np.ascontiguousarray(blocks.swapaxes(1, 2) + 128).astype(np.uint8).view(np.int8)
    codec = "words" if stored is None or not stored.buffered else stored.codec
    together = len(blocks) if codec == "words" else 1
    weights = Weights(values.reshape(len(blocks), -1), together, codecs=(codec,))
    return None if codecs()[codec].encode(weights) is None else weights


def _runs(block: NDArray[np.int64]) -> NDArray[np.uint16]:
    """A block's runs as the kernel reads them."""
    found: list[int] = []
    for count, halves in runs(fields(block), block.shape[1]):
        found += [0, HALVES] if halves else [WORD_BYTES * count]
    return np.array([*found, 0, 0], np.uint16)
