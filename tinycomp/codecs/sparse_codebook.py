"""For zeros and few other values: a bitmap, and 1 to 7 bits of index per non-zero weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._packing import UNPACKING_COST, bits_for, pack_indices, unpack
from tinycomp.codecs._sparse import describe_zeros, spread
from tinycomp.ir.kernel_call import Weights


class SparseCodebook(Codec):
    """One table for the layer, without zero: smaller than b-bit indices above 1/b of zeros."""

    name: ClassVar[str] = "sparse_codebook"
    code: ClassVar[Mapping[str, int]] = {"sparse_codebook": 158, "unpack": 440}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 11, "values": UNPACKING_COST}

    def encode(self, weights: Weights) -> Encoded | None:
        """None for no non-zeros, more than 65535, or more than 128 distinct ones."""
        values = weights.values[weights.values != 0]
        table = np.unique(values)
        bits = bits_for(table.size)
        zeros = describe_zeros(weights)
        if zeros is None or bits > 7 or not values.size:
            return None
        indices = pack_indices(np.searchsorted(table, values), bits)
        fields = {"indices": indices, "table": table, **zeros, "bits": bits}
        amounts = {"values": values.size / weights.values.size}
        return Encoded("sparse_codebook", fields, struct_size=24, amounts=amounts)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        count = int(encoded.array("starts")[-1])
        indices = unpack(encoded.array("indices"), encoded.integer("bits"), count)
        return spread(encoded, encoded.array("table")[indices], shape)
