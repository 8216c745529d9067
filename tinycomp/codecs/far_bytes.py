"""Uncompressed weights in an AVR's memory beyond 64 KB, copied block by block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.ir.kernel_call import Weights


class FarBytes(Codec):
    """One byte per weight, any values. Only for layers that are placed in far memory."""

    name: ClassVar[str] = "far_bytes"
    code: ClassVar[Mapping[str, int]] = {"far": 30}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 1}
    general: ClassVar[bool] = False

    def encode(self, weights: Weights) -> Encoded | None:
        """The values, channel by channel."""
        values = weights.values.reshape(-1).view(np.uint8)
        return Encoded(self.name, {"values": values}, 8, far=frozenset({"values"}))

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values."""
        return encoded.array("values").view(np.int8).reshape(shape)
