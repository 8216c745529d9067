"""For few distinct values in a layer: 4-bit indices, decoded without a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._packing import of_sixteen, unpack
from tinycomp.ir.kernel_call import Weights

GROUP = 4
"""Weights that are decoded together."""


class Nibbles(Codec):
    """One table for the layer; for kernels that read few weights at a time."""

    name: ClassVar[str] = "nibbles"
    code: ClassVar[Mapping[str, int]] = {"nibbles": 60}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 4}
    general: ClassVar[bool] = False

    def encode(self, weights: Weights) -> Encoded | None:
        """None if rows are not a multiple of 4 weights, or more than 16 values are distinct."""
        fields = of_sixteen(weights.values.reshape(-1))
        if weights.values.shape[1] % GROUP or fields is None:
            return None
        return Encoded("nibbles", fields, struct_size=12)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        indices = unpack(encoded.array("indices"), 4, shape[0] * shape[1])
        values: NDArray[np.int8] = encoded.array("table")[indices].reshape(shape)
        return values
