"""For weights that were pruned by a pattern: the few masks of their groups, and the weights under
them.

A. Mishra et al., "Accelerating sparse deep neural networks", 2021, store the positions of 2:4
patterns in two bits per weight that is kept; an index into all masks takes 3 bits for two of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._masks import group_flags, smallest_masks
from tinycomp.codecs._packing import exact_divisor, pack, unpack
from tinycomp.codecs._sparse import starts_of
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array

MOST_FILLED = 7 / 8
"""The share of weights that are not zero beyond which a bit per weight takes more than it saves."""


class MaskedGroups(Codec):
    """An index of 1 to 8 bits per group of 2 to 16 weights: 3 bits per four of a 2:4 pattern, 1 bit
    per block of zeros.
    """

    name: ClassVar[str] = "masks"
    code: ClassVar[Mapping[str, int]] = {"masks": 228}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 11, "groups": 23, "values": 0}

    def encode(self, weights: Weights) -> Encoded | None:
        """None for few zeros, channels of a single weight, and more than 65535 stored weights."""
        if np.count_nonzero(weights.values) > MOST_FILLED * weights.values.size:
            return None
        length = weights.values.shape[1]
        masks = smallest_masks(weights.values != 0)
        if masks is None or length > 0xFFFF:
            return None
        kept = masks.flags(length)
        starts, groups = starts_of(kept, weights.block), weights.block * masks.indices.shape[1]
        if starts is None or (weights.block < len(kept) and groups > 0xFFFF):
            return None
        values, (shift, inverse) = weights.values[kept], exact_divisor(weights.block * length)
        fields: dict[str, int | Array] = {
            "values": values if values.size else np.zeros(1, np.int8),
            "indices": pack(masks.indices.reshape(-1), masks.bits),
            "masks": masks.table,
            "starts": starts,
            "length": length,
            "groups": min(0xFFFF, groups),
            "inverse": inverse,
            "shift": shift,
            "group": masks.group,
            "bits": masks.bits,
        }
        amounts = {"groups": masks.indices.size / kept.size, "values": values.size / kept.size}
        return Encoded("masks", fields, struct_size=32, amounts=amounts)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        group, groups = encoded.integer("group"), -(-shape[1] // encoded.integer("group"))
        indices = unpack(encoded.array("indices"), encoded.integer("bits"), shape[0] * groups)
        masks = encoded.array("masks")[indices].reshape(shape[0], groups)
        flags = group_flags(masks, group, shape[1])
        result = np.zeros(shape, np.int8)
        result[flags] = encoded.array("values")[: np.count_nonzero(flags)]
        return result
