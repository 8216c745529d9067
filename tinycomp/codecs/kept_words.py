"""For blocks of zeros that kernels skip: the words of four weights that are not all zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._masks import LONGEST_GROUP, group_flags, group_masks
from tinycomp.ir.kernel_call import Weights

WORD = 4
"""Weights per word."""


class KeptWords(Codec):
    """One bit per word, by channels, in halfwords whose highest bit is the first; for kernels that
    multiply only by the words that are kept.
    """

    name: ClassVar[str] = "kept_words"
    code: ClassVar[Mapping[str, int]] = {}
    general: ClassVar[bool] = False

    def encode(self, weights: Weights) -> Encoded | None:
        """None if channels are not a multiple of 4 weights, or have more than 65535 words."""
        if weights.values.shape[1] % WORD or weights.values.shape[1] > 0xFFFF * WORD:
            return None
        words = weights.values.reshape(len(weights.values), -1, WORD)
        kept = (words != 0).any(axis=2)
        filled = np.pad(kept, ((0, 0), (0, -kept.shape[1] % LONGEST_GROUP)))
        reversed_bits = filled.reshape(len(kept), -1, LONGEST_GROUP)[:, :, ::-1]
        values = words[kept].reshape(-1)
        fields = {
            "words": values if values.size else np.zeros(WORD, np.int8),
            "kept": group_masks(reversed_bits.reshape(len(kept), -1), LONGEST_GROUP).reshape(-1),
            "length": kept.shape[1],
        }
        return Encoded("kept_words", fields, struct_size=16, buffered=False)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        count = shape[1] // WORD
        units = -(-count // LONGEST_GROUP)
        masks = encoded.array("kept").astype(np.uint16).reshape(shape[0], units)
        bits = group_flags(masks, LONGEST_GROUP, units * LONGEST_GROUP)
        kept = bits.reshape(shape[0], units, LONGEST_GROUP)[:, :, ::-1].reshape(shape[0], -1)
        result = np.zeros((shape[0], count, WORD), np.int8)
        stored = encoded.array("words").reshape(-1, WORD)
        result[kept[:, :count]] = stored[: np.count_nonzero(kept)]
        return result.reshape(shape)
