"""Packs small bit fields into bytes without gaps, the least significant bit first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array

UNPACKING_COST = 5
"""Instructions per index in firmware/codecs/unpack.h; see Codec.instructions."""


def bits_for(count: int) -> int:
    """The number of bits of an index into a table of `count` entries; at least one."""
    return max(1, (count - 1).bit_length())


def pack_indices(indices: Array, bits: int) -> NDArray[np.uint8]:
    """As pack, with padding for firmware/codecs/unpack.h, which may read past the end."""
    return np.append(pack(indices, bits), np.zeros(0 if bits == 4 else 3, np.uint8))


def pack(indices: Array, bits: int) -> NDArray[np.uint8]:
    """Indices below 2^bits, bits 1..8, packed into bytes."""
    planes = np.unpackbits(
        np.ascontiguousarray(indices, np.uint8).reshape(-1, 1), axis=1, bitorder="little"
    )
    return np.packbits(planes[:, :bits], bitorder="little")


def unpack(packed: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint8]:
    """The first `count` indices of packed bytes."""
    planes = np.unpackbits(packed, count=count * bits, bitorder="little").reshape(count, bits)
    return np.packbits(planes, axis=1, bitorder="little").reshape(count)


ENTRIES = 16
"""Entries of a table with 4-bit indices."""


def of_sixteen(values: Array) -> dict[str, NDArray[np.uint8] | NDArray[np.int8]] | None:
    """Fields `indices` (4 bits) and `table` (ENTRIES values); None for more distinct values."""
    table = np.unique(values)
    if table.size > ENTRIES:
        return None
    return {
        "indices": pack(np.searchsorted(table, values), 4),
        "table": np.pad(table, (0, ENTRIES - table.size)).astype(np.int8),
    }


def exact_divisor(divisor: int) -> tuple[int, int]:
    """(shift, inverse) to divide multiples of `divisor` with one multiplication.

    For n = q * divisor with q < 2^16: q = ((n >> shift) * inverse) modulo 2^16, where
    divisor = odd << shift and inverse is the inverse of odd modulo 2^16 (H. Warren, Hacker's
    Delight, exact division by constants). It saves cores without a divider a library call.
    """
    shift = (divisor & -divisor).bit_length() - 1
    return shift, pow(divisor >> shift, -1, 1 << 16)
