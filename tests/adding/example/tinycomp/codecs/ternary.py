"""Weights of -1, 0 and 1: two bits each, four per byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._packing import pack, unpack
from tinycomp.ir.kernel_call import Weights


class Ternary(Codec):
    """A quarter of the dense size. Without a table, so four bytes smaller than a codebook."""

    name: ClassVar[str] = "ternary"
    code: ClassVar[Mapping[str, int]] = {"ternary": 60}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 7}

    def encode(self, weights: Weights) -> Encoded | None:
        """None if there is another value."""
        if np.abs(weights.values.astype(np.int16)).max(initial=0) > 1:
            return None
        packed = pack((weights.values + 1).reshape(-1).astype(np.uint8), 2)
        return Encoded("ternary", {"packed": packed}, struct_size=8)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """Two bits each, minus 1."""
        values = unpack(encoded.array("packed"), 2, shape[0] * shape[1]).astype(np.int8) - 1
        return values.astype(np.int8).reshape(shape)
