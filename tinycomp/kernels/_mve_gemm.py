"""Weights for firmware/kernels/armv8_1m_mve/gemm_mve.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import Array, KernelCall, Weights

GROUP = 4
"""Channels that are computed together."""
VECTOR = 16
"""Products of an instruction."""
BLOCKS = (16, 20, 12, 24, 8, 28)
"""Channels that may be decoded at a time: of the last block at least a group has to be left."""


def gemm_fields(
    call: KernelCall, matrix: Array, stored: Encoded
) -> tuple[dict[str, int], Weights, int]:
    """How weights are read, the weights, and the bytes of a block that is put in order.

    What has to be decoded stays in the portable kernel's order, in which it takes fewest bytes.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    channels, length = matrix.shape
    if not stored.buffered:
        values = Weights(grouped(matrix), channels, codecs=("dense",))
        return {"block": channels, "decoded": 0}, values, 0
    fitting = [size for size in BLOCKS if channels % size == 0 or channels % size >= GROUP]
    block = min(channels, fitting[0])
    values = replace(weights, values=matrix.astype(np.int8), block=block)
    return {"block": block, "decoded": 1}, values, -(-block // GROUP) * GROUP * length


def grouped(matrix: Array) -> Array:
    """Weights by groups of channels, of which the last holds the last four: (groups, bytes)."""
    channels, length = matrix.shape
    rest = (length - 1) % VECTOR + 1
    groups = []
    for start in range(0, channels, GROUP):
        group = matrix[min(start, channels - GROUP) :][:GROUP].astype(np.int8)
        vectors = group[:, rest:].reshape(GROUP, -1, VECTOR).transpose(1, 0, 2)
        groups.append(np.concatenate([group[:, :rest].reshape(-1), vectors.reshape(-1)]))
    return np.stack(groups)
