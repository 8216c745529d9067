"""FULLY_CONNECTED for firmware/kernels/scalar/fully_connected_scalar.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_fully_connected import LARGEST_SHIFT
from tinycomp.kernels._dsp_sums import channels_of, distinct, integer, reach, wide
from tinycomp.kernels._scalar_words import GROUP, coded, fields, fit, grouped, runs, workspace
from tinycomp.ops._weighted import SUM_LIMIT

BLOCK = 8
"""Outputs that share an expanded vector."""
HALVES, MORE = 1, 2
"""Codes after a 0: a word of two separate runs; weights must be decoded."""
MOST_CHUNK = 32
"""Words of each output decoded together: 1 KB."""
WORD_BYTES = 12
"""Bytes of an expanded word of activations."""
LEAST = 1000
"""Number of weights for which the kernel is worth its code."""
MOST_WORDS = 0xFFFF // WORD_BYTES


def fully_connected(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The scalar kernel's call; None if values exceed its bounds."""
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    channels = channels_of(call)
    bias, left, multiplier = wide(channels)
    # Sums are scaled by 256, and the product's lower word is dropped.
    shift = 6 - left
    low, high = reach(weights.values.astype(np.int64), bias)
    more = -len(bias) % BLOCK
    groups = grouped(np.pad(weights.values, ((0, more), (0, 0))))
    if (np.maximum(-low, high) >= SUM_LIMIT).any() or integer(call, "extended"):
        return None
    if groups.shape[1] > MOST_WORDS or weights.values.size < LEAST:
        return None
    if not 0 <= shift.min() <= shift.max() <= LARGEST_SHIFT or not fit(fields(groups)):
        return None
    blocks = groups.reshape(len(groups) // BLOCK, BLOCK, -1, GROUP)
    chunk = _chunk(groups.shape[1]) if stored is not None and stored.buffered else 0
    lying = _stored(blocks, stored, chunk)
    if lying is None:
        return None
    names = ("width", "input_size", "output_size")
    constants = {name: call.fields[name] for name in names}
    step = int(distinct(channels) > 1)
    factors = len(bias) if step else 1
    constants |= {"chunk": chunk, "workspace": workspace(lying), "channel_step": step}
    for name in ("output_zero_point", "activation_min", "activation_max"):
        constants[name] = call.fields[name]
    constants |= {
        "weights": lying,
        "runs": np.concatenate([_runs(block, chunk) for block in blocks]),
        "bias": np.pad(bias, (0, more)).astype(np.int32),
        "multiplier": np.pad(multiplier[:factors], (0, step * more)).astype(np.int32),
        "shift": np.pad(shift[:factors], (0, step * more)).astype(np.int8),
    }
    scratch = WORD_BYTES * groups.shape[1]
    return KernelCall("fully_connected_scalar", constants, scratch=scratch)


def _chunk(length: int) -> int:
    """Number of words of a block that are decoded together: a small divisor of its size."""
    return max(n for n in range(1, MOST_CHUNK + 1) if length % n == 0)


def _stored(blocks: NDArray[np.int64], stored: Encoded | None, chunk: int) -> Weights | None:
    """A word of each output of a block in turn, of positive weights, 128 more than they are; as
    they are where they have to be decoded, then a chunk a row.
    """
    values = np.ascontiguousarray(blocks.swapaxes(1, 2))
    if chunk and stored is not None:
        return coded(values.astype(np.int8).reshape(-1, chunk * BLOCK * GROUP), 1, stored)
    positive = (values + 128).astype(np.uint8).view(np.int8).reshape(len(blocks), -1)
    return Weights(positive, len(blocks), codecs=("words",))


def _runs(block: NDArray[np.int64], chunk: int) -> NDArray[np.uint16]:
    """A block's runs in the kernel's format."""
    found: list[int] = []
    length = chunk or block.shape[1]
    for start in range(0, block.shape[1], length):
        found += [0, MORE] if chunk else []
        for count, halves in runs(fields(block[:, start : start + length]), length):
            found += [0, HALVES] if halves else [WORD_BYTES * count]
    return np.array([*found, 0, 0], np.uint16)
