"""What a codec is: it turns int8 weights into arrays in flash, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir import Array, Weights


@dataclass(frozen=True, eq=False)
class Encoded:
    """Weights as they lie in flash, for firmware/codecs/<codec>.h: struct tc_<codec>_t, reader tc_<codec>_read.

    fields: the struct's members behind `tc_weights_t weights`, in order: an int, or an integer array that becomes a
    constant array of its dtype to which the member points. buffered: whether reading needs a buffer.
    """

    codec: str
    fields: Mapping[str, int | Array]
    buffered: bool = True

    @property
    def size(self) -> int:
        """Bytes in flash on a 32-bit core: arrays and the struct (4 a member, and the reader's pointer)."""
        arrays = sum(value.nbytes for value in self.fields.values() if isinstance(value, np.ndarray))
        return arrays + 4 * (len(self.fields) + 1)


class Codec(ABC):
    """A way to store int8 weights. decode(encode(w)) == w, always."""

    name: ClassVar[str]

    @abstractmethod
    def encode(self, weights: Weights) -> Encoded | None:
        """The stored form; None where this codec can't hold these values."""

    @abstractmethod
    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again, (channels, weights a channel): the reference of the decoder in C."""
