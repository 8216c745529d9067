"""The contract of a codec: int8 weights to arrays in flash, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class Encoded:
    """Weights as stored in flash, for tc_<codec>_t and tc_<codec>_read of
    firmware/codecs/<codec>.h.
    """

    codec: str
    """The name of the codec."""
    fields: Mapping[str, int | Array]
    """The members of the struct after `tc_weights_t weights`, in order: an int, or an integer array
    (emitted as a constant array of its dtype that the member points to).
    """
    struct_size: int
    """sizeof of that struct on a 32-bit core."""
    amounts: Mapping[str, float] = field(default_factory=dict)
    """What decoding a weight takes on average, by the terms of Codec.instructions; 1 of "weights",
    always.
    """
    buffered: bool = True
    """Whether reading needs a buffer; it always does if constants are in program memory (AVR)."""
    workspace: int = 0
    """Bytes before the decoded weights. A read of zero weights fills them for later reads; only
    kernels that name the codec in Weights.codecs do that.
    """
    far: frozenset[str] = frozenset()
    """Names of the arrays that may be anywhere in an AVR's memory (codecs/far_memory.h)."""

    @property
    def size(self) -> int:
        """Bytes in flash on a 32-bit core: all arrays and the struct."""
        arrays = (value for value in self.fields.values() if isinstance(value, np.ndarray))
        return self.struct_size + sum(array.nbytes for array in arrays)

    @property
    def near(self) -> Mapping[str, int | Array]:
        """The fields that are not far."""
        return {name: value for name, value in self.fields.items() if name not in self.far}

    @property
    def far_bytes(self) -> int:
        """Bytes of the arrays in far memory."""
        return sum(self.array(name).nbytes for name in self.far)

    def integer(self, field: str) -> int:
        """The value of a field that is a number."""
        value = self.fields[field]
        assert isinstance(value, int)
        return value

    def array(self, field: str) -> Array:
        """The value of a field that is an array."""
        value = self.fields[field]
        assert isinstance(value, np.ndarray)
        return value


@dataclass(frozen=True)
class Least:
    """Lower bounds of a stored form."""

    size: float
    """In bytes."""
    amounts: Mapping[str, float] = field(default_factory=dict)
    """See Encoded.amounts."""


class Codec(ABC):
    """A way to store int8 weights without loss: decode(encode(w)) == w.

    Each subclass is in its own module of tinycomp/codecs, named after it.
    """

    name: ClassVar[str]
    """The module's name."""
    code: ClassVar[Mapping[str, int]]
    """Approximate bytes of the decoder on a Cortex-M4, by header; codecs may share headers."""
    instructions: ClassVar[Mapping[str, float]] = {}
    """Instructions to decode a weight on a Cortex-M4, counted, by term of Encoded.amounts; none if
    weights are read in place. Other cores: tinycomp/codecs/costs.
    """
    entropy: ClassVar[bool] = False
    """Whether frequent values take fewer bits than rare ones."""
    general: ClassVar[bool] = True
    """Whether every kernel can read it through tc_<codec>_read, so that it can store any layer;
    False if only kernels can that name the codec in Weights.codecs.
    """

    @abstractmethod
    def encode(self, weights: Weights) -> Encoded | None:
        """The stored form; None if this codec can't store these values."""

    def least(self, weights: Weights) -> Least:
        """Lower bounds of the stored form, which take less time than encoding."""
        return Least(0.0)

    @abstractmethod
    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The decoded values, (channels, weights per channel): the reference for the C decoder."""
