"""For sparse weights: a bitmap of the non-zeros, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._sparse import describe_zeros, spread
from tinycomp.ir.kernel_call import Weights


class Bitmap(Codec):
    """1 bit per weight and 1 byte per non-zero: smaller than dense above 1/8 of zeros."""

    name: ClassVar[str] = "bitmap"
    code: ClassVar[Mapping[str, int]] = {"bitmap": 148}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 12, "values": 0}

    def encode(self, weights: Weights) -> Encoded | None:
        """None for more than 65535 non-zeros."""
        zeros = describe_zeros(weights)
        if zeros is None:
            return None
        values = weights.values[weights.values != 0]
        fields = {"values": values if values.size else np.zeros(1, np.int8), **zeros}
        amounts = {"values": values.size / weights.values.size}
        return Encoded("bitmap", fields, struct_size=20, amounts=amounts)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        return spread(encoded, encoded.array("values"), shape)
