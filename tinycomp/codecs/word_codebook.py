"""Few distinct values in a layer of int16 words: 4-bit indices, decoded two at a time.

For kernels whose weights lie as words 256 * w1 + w0 (firmware/kernels/armv7e_m/gemm.h): the values
are the bytes of such words, the indices those of w0 and w1.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._packing import pack, unpack
from tinycomp.ir import Array, Weights

ENTRIES = 16
GROUP = 8
"""Weights that are decoded together."""


class WordCodebook(Codec):
    """One table for the layer, from which the decoder makes one of all pairs first."""

    name: ClassVar[str] = "word_codebook"
    cost: ClassVar[int] = 2
    general: ClassVar[bool] = False

    def encode(self, weights: Weights) -> Encoded | None:
        """None where rows are no groups of eight, or have more than 16 distinct weights."""
        if weights.values.shape[1] % GROUP:
            return None
        words = np.ascontiguousarray(weights.values).reshape(-1).view("<i2").astype(np.int64)
        low = words.astype(np.int8)
        pairs = np.stack([low, (words - low) >> 8], axis=1)
        table = np.unique(pairs)
        if table.size > ENTRIES:
            return None
        fields: dict[str, int | Array] = {
            "indices": pack(np.searchsorted(table, pairs.reshape(-1)), 4),
            "table": np.pad(table, (0, ENTRIES - table.size)).astype(np.int8),
        }
        return Encoded("word_codebook", fields, struct_size=12, workspace=2 * ENTRIES**2)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The bytes of the words again."""
        indices = unpack(encoded.array("indices"), 4, shape[0] * shape[1])
        pairs = encoded.array("table")[indices].astype(np.int16).reshape(-1, 2)
        words = pairs[:, 0] + 256 * pairs[:, 1]
        return words.astype("<i2").view(np.int8).reshape(shape)
