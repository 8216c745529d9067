"""Small fields without a gap in bytes, the least significant bit first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array

UNPACKING_COST = 5
"""Instructions that firmware/codecs/unpack.h takes for an index; see Encoded.cost."""


def bits_for(count: int) -> int:
    """The bits of an index into a table of `count` entries; at least one."""
    return max(1, (count - 1).bit_length())


def pack_indices(indices: Array, bits: int) -> NDArray[np.uint8]:
    """pack for firmware/codecs/unpack.h, which may read behind the end."""
    return np.append(pack(indices, bits), np.zeros(0 if bits == 4 else 3, np.uint8))


def pack(indices: Array, bits: int) -> NDArray[np.uint8]:
    """Indices below 2^bits, bits 1..8, as bytes."""
    planes = np.unpackbits(
        np.ascontiguousarray(indices, np.uint8).reshape(-1, 1), axis=1, bitorder="little"
    )
    return np.packbits(planes[:, :bits], bitorder="little")


def unpack(packed: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint8]:
    """The first `count` indices again."""
    planes = np.unpackbits(packed, count=count * bits, bitorder="little").reshape(count, bits)
    return np.packbits(planes, axis=1, bitorder="little").reshape(count)


ENTRIES = 16
"""Of a table that indices of 4 bits look up."""


def of_sixteen(values: Array) -> dict[str, NDArray[np.uint8] | NDArray[np.int8]] | None:
    """Fields `indices` of 4 bits and `table` of ENTRIES values; None where more are distinct."""
    table = np.unique(values)
    if table.size > ENTRIES:
        return None
    return {
        "indices": pack(np.searchsorted(table, values), 4),
        "table": np.pad(table, (0, ENTRIES - table.size)).astype(np.int8),
    }


def exact_divisor(divisor: int) -> tuple[int, int]:
    """(shift, inverse) that divide multiples of `divisor` by a multiplication.

    For n = q * divisor with q < 2^16: q = ((n >> shift) * inverse) modulo 2^16, where
    divisor = odd << shift and inverse is that of the odd part modulo 2^16 (H. Warren, Hacker's
    Delight, exact division by constants). Cores without a divider need no library call.
    """
    shift = (divisor & -divisor).bit_length() - 1
    return shift, pow(divisor >> shift, -1, 1 << 16)
