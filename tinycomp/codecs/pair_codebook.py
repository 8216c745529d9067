"""For few distinct values in a layer: 4-bit indices, decoded two at a time.

Weights are int8 values, or int16 words 256 * w1 + w0 (Weights.words), whose indices are those of
w0 and w1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._packing import ENTRIES, of_sixteen, unpack
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array

GROUP = 4
"""Weights that are decoded together."""


class PairCodebook(Codec):
    """One table for the layer; the decoder first expands it into a table of all pairs."""

    name: ClassVar[str] = "pair_codebook"
    code: ClassVar[Mapping[str, int]] = {"pair_codebook": 200}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 2}
    general: ClassVar[bool] = False

    def encode(self, weights: Weights) -> Encoded | None:
        """None if rows are not a multiple of 4 weights, or more than 16 values are distinct."""
        if weights.values.shape[1] % GROUP:
            return None
        values = weights.values.reshape(-1)
        if weights.words:
            words = np.ascontiguousarray(values).view("<i2").astype(np.int64)
            low = words.astype(np.int8)
            values = np.stack([low, (words - low) >> 8], axis=1).reshape(-1)
        looked_up = of_sixteen(values)
        if looked_up is None:
            return None
        fields: dict[str, int | Array] = {**looked_up, "mask": 0xFFFF if weights.words else 0xFF}
        workspace = 2 * ENTRIES**2
        return Encoded("pair_codebook", fields, struct_size=16, workspace=workspace)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The decoded values, or the bytes of the words."""
        indices = unpack(encoded.array("indices"), 4, shape[0] * shape[1])
        pairs = encoded.array("table")[indices].astype(np.int64).reshape(-1, 2)
        words = (pairs[:, 0] & encoded.integer("mask")) + 256 * pairs[:, 1]
        return words.astype("<i2").view(np.int8).reshape(shape)
