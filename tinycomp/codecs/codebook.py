"""For few distinct values in a layer: a table of them, and 1 to 7 bits of index per weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._packing import UNPACKING_COST, bits_for, pack_indices, unpack
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array


class Codebook(Codec):
    """One table for the layer; indices are packed without gaps over all channels."""

    name: ClassVar[str] = "codebook"
    code: ClassVar[Mapping[str, int]] = {"codebook": 26, "unpack": 440}
    instructions: ClassVar[Mapping[str, float]] = {
        "nibbles": UNPACKING_COST,
        "indices": UNPACKING_COST,
        "bits": 0,
    }

    def encode(self, weights: Weights) -> Encoded | None:
        """None if the layer has more than 128 distinct values."""
        table = _table(weights)
        bits = bits_for(table.size)
        if bits > 7:
            return None
        indices = np.searchsorted(table, weights.values.reshape(-1))
        fields: dict[str, int | Array] = {
            "indices": pack_indices(indices, bits),
            "table": table,
            "bits": bits,
        }
        nibbles = float(bits == 4)
        amounts = {"nibbles": nibbles, "indices": 1 - nibbles, "bits": bits * (1 - nibbles)}
        return Encoded("codebook", fields, struct_size=16, amounts=amounts)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        count = shape[0] * shape[1]
        indices = unpack(encoded.array("indices"), encoded.integer("bits"), count)
        values: NDArray[np.int8] = encoded.array("table")[indices].reshape(shape)
        return values


def _table(weights: Weights) -> NDArray[np.int8]:
    """The distinct values of the layer, sorted; or its whole codebook if that costs no more bits.

    A codebook shared by several layers is then the same array in each, and stored in flash once.
    """
    distinct = np.unique(weights.values)
    if weights.codebook is not None and len(weights.codebook) == 1:
        given = np.unique(weights.codebook[0])
        if np.isin(distinct, given).all() and bits_for(given.size) == bits_for(distinct.size):
            return given
    return distinct
