"""Uncompressed weights, read in place as little-endian words of four bytes, where a core loads
four at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.ir.kernel_call import Weights


class Words(Codec):
    """One byte per weight, like dense, but aligned to words."""

    name: ClassVar[str] = "words"
    code: ClassVar[Mapping[str, int]] = {"words": 6}
    general: ClassVar[bool] = False

    def encode(self, weights: Weights) -> Encoded | None:
        """None if channels are not whole words."""
        if weights.values.shape[1] % 4:
            return None
        values = np.ascontiguousarray(weights.values).reshape(-1).view("<u4").astype(np.uint32)
        return Encoded("words", {"values": values}, struct_size=8, buffered=False)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        return encoded.array("values").astype("<u4").view(np.int8).reshape(shape)
