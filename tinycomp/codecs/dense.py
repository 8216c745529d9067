"""Uncompressed weights, read in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.ir.kernel_call import Weights


class Dense(Codec):
    """One byte per weight; any values."""

    name: ClassVar[str] = "dense"
    code: ClassVar[Mapping[str, int]] = {"dense": 6}

    def encode(self, weights: Weights) -> Encoded | None:
        """The values, channel by channel."""
        return Encoded(
            "dense", {"values": weights.values.reshape(-1)}, struct_size=8, buffered=False
        )

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        return encoded.array("values").reshape(shape)
