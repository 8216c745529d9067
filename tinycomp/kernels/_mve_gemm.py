"""Weights for firmware/kernels/armv8_1m_mve/gemm_mve.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Array

GROUP = 4
"""Channels computed together."""
VECTOR = 16
"""Products per instruction."""
DECODED = 2048
"""Maximum bytes decoded at a time, unless a group needs more."""


def gemm_fields(
    call: KernelCall, matrix: Array, stored: Encoded
) -> tuple[dict[str, int], Weights, int]:
    """How weights are read, the weights, and the bytes of a block that is put in order after it was
    decoded: tables of single channels want their weights one after the other.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    channels, length = matrix.shape
    groups = grouped(matrix)
    if not stored.buffered:
        values = Weights(groups, len(groups), codecs=("dense",))
        return {"block": channels, "plain": 0}, values, 0
    block = _block(channels, length)
    if stored.codec == "channel_codebook":
        values = replace(weights, values=matrix.astype(np.int8), block=block)
        return {"block": block, "plain": 1}, values, -(-block // GROUP) * GROUP * length
    values = replace(weights, values=groups, block=-(-block // GROUP), codecs=(stored.codec,))
    return {"block": block, "plain": 0}, values, 0


def _block(channels: int, length: int) -> int:
    """Channels to decode at a time: all, or groups of which the last block has a whole one too."""
    size = GROUP * max(1, DECODED // (GROUP * length))
    nearest = [*range(size, 0, -GROUP), *range(size + GROUP, channels + GROUP, GROUP)]
    fitting = (n for n in nearest if n >= channels or channels % n == 0 or channels % n >= GROUP)
    block: int = min(next(fitting), channels)
    return block


def grouped(matrix: Array, vector: int = VECTOR) -> Array:
    """Weights by groups of channels, the last group being the last four: (groups, bytes). Of each
    channel so many as are multiplied together follow each other.
    """
    channels, length = matrix.shape
    rest = (length - 1) % vector + 1
    groups = []
    for start in range(0, channels, GROUP):
        group = matrix[min(start, channels - GROUP) :][:GROUP].astype(np.int8)
        vectors = group[:, rest:].reshape(GROUP, -1, vector).transpose(1, 0, 2)
        groups.append(np.concatenate([group[:, :rest].reshape(-1), vectors.reshape(-1)]))
    return np.stack(groups)
