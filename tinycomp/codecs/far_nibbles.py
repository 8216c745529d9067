"""Few distinct values per layer: 4-bit indices in an AVR's memory beyond 64 KB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._packing import of_sixteen, unpack
from tinycomp.ir.kernel_call import Weights


class FarNibbles(Codec):
    """One table per layer. Only for layers that are placed in far memory."""

    name: ClassVar[str] = "far_nibbles"
    code: ClassVar[Mapping[str, int]] = {"far": 30, "far_nibbles": 80}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 5}
    general: ClassVar[bool] = False

    def encode(self, weights: Weights) -> Encoded | None:
        """None if rows have an odd number of weights, or there are more than 16 distinct values."""
        fields = of_sixteen(weights.values.reshape(-1))
        if weights.values.shape[1] % 2 or fields is None:
            return None
        return Encoded(self.name, fields, 12, far=frozenset({"indices"}))

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values."""
        indices = unpack(encoded.array("indices"), 4, shape[0] * shape[1])
        values: NDArray[np.int8] = encoded.array("table")[indices].reshape(shape)
        return values
