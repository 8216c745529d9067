"""Few distinct values in a layer: 4-bit indices, decoded without a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._packing import pack, unpack
from tinycomp.ir import Array, Weights

ENTRIES = 16
GROUP = 4
"""Weights that are decoded together."""


class Nibbles(Codec):
    """One table for the layer; for kernels that read few weights at a time."""

    name: ClassVar[str] = "nibbles"
    code: ClassVar[Mapping[str, int]] = {"nibbles": 60}
    general: ClassVar[bool] = False

    def encode(self, weights: Weights) -> Encoded | None:
        """None where rows are no groups of four, or the layer has more than 16 distinct weights."""
        values = weights.values.reshape(-1)
        table = np.unique(values)
        if weights.values.shape[1] % GROUP or table.size > ENTRIES:
            return None
        fields: dict[str, int | Array] = {
            "indices": pack(np.searchsorted(table, values), 4),
            "table": np.pad(table, (0, ENTRIES - table.size)).astype(np.int8),
        }
        return Encoded("nibbles", fields, struct_size=12, cost=4)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        indices = unpack(encoded.array("indices"), 4, shape[0] * shape[1])
        values: NDArray[np.int8] = encoded.array("table")[indices].reshape(shape)
        return values
