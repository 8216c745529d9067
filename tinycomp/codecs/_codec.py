"""What a codec is: it turns int8 weights into arrays in flash, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class Encoded:
    """Weights as they are stored in flash, for firmware/codecs/<codec>.h: tc_<codec>_t and
    tc_<codec>_read.
    """

    codec: str
    """The codec's name."""
    fields: Mapping[str, int | Array]
    """The struct's members behind `tc_weights_t weights`, in order: an int, or an integer array
    (emitted as a constant array of its dtype that the member points to).
    """
    struct_size: int
    """sizeof of that struct on a 32-bit core."""
    cost: float = 0
    """Instructions to decode a weight on a 32-bit core, as counted on a Cortex-M4."""
    buffered: bool = True
    """Whether reading needs a buffer; where constants lie in program memory (AVR), it always does.
    """
    workspace: int = 0
    """Bytes in front of the decoded weights that a read of no weights fills for the reads that
    follow; only kernels that ask for the codec by name do that.
    """

    @property
    def size(self) -> int:
        """Bytes in flash on a 32-bit core: all arrays and the struct."""
        arrays = (value for value in self.fields.values() if isinstance(value, np.ndarray))
        return self.struct_size + sum(array.nbytes for array in arrays)

    def integer(self, field: str) -> int:
        """A field that is a number."""
        value = self.fields[field]
        assert isinstance(value, int)
        return value

    def array(self, field: str) -> Array:
        """A field that is an array."""
        value = self.fields[field]
        assert isinstance(value, np.ndarray)
        return value


class Codec(ABC):
    """A way to store int8 weights. decode(encode(w)) == w, always.

    Each subclass lives in its own module of tinycomp/codecs, which has the subclass's name.
    """

    name: ClassVar[str]
    """The module's name."""
    code: ClassVar[Mapping[str, int]]
    """Bytes of the decoder on a Cortex-M4, about, by header: codecs may share some."""
    entropy: ClassVar[bool] = False
    """Whether frequent values take fewer bits than others."""
    general: ClassVar[bool] = True
    """Whether every kernel can read it through tc_<codec>_read, so that any layer may be stored so;
    False for codecs that only kernels read which name them in Weights.codecs.
    """

    @abstractmethod
    def encode(self, weights: Weights) -> Encoded | None:
        """The stored form; None where this codec can't hold these values."""

    @abstractmethod
    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again, (channels, weights a channel): the reference of the decoder in C."""
