"""How generated C runs a node: which kernel, with which constants and how much memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array


@dataclass(frozen=True)
class Weights:
    """int8 weights in the order in which a kernel reads them; a codec decides how they are stored
    in flash.
    """

    values: NDArray[np.int8]
    """(channels, weights per channel)."""
    block: int
    """The most channels that the kernel decodes at a time; 0: it reads the stored form itself."""
    codebook: NDArray[np.int8] | None = None
    """(groups, entries) as in Constant; groups is 1 or the number of channels."""
    codecs: tuple[str, ...] | None = None
    """Names of the codecs that the kernel can read; None for every general codec."""
    words: bool = False
    """Whether the values are the bytes of int16 words that hold two weights each (see
    codecs/pair_codebook.py).
    """


@dataclass(frozen=True)
class Channels:
    """What output channels have beside their weights; how it is stored in flash is decided later
    (codecs/_channels.py).
    """

    start: NDArray[np.int32]
    """What sums start at, one a channel."""
    low: NDArray[np.int8]
    """A small number a channel, as the kernel wants it: a shift, or the lowest bits of `start`."""
    multiplier: NDArray[np.int32]
    """Of the factor that sums are brought to int8 by, one a channel."""
    pairs: bool = False
    """Whether the kernel wants two words a channel: start + low, where low has no sign, and the
    multiplier. It reads them where they lie, or packed as its struct's member `packed` says: then
    they are unpacked into scratch.
    """
    block: int = 0
    """Of pairs: the most channels that are unpacked at a time."""
    once: bool = False
    """Of pairs: whether sums are rounded once, so that multipliers say much about starts."""

    @property
    def words(self) -> NDArray[np.int32]:
        """The pairs, flat."""
        first = self.start.astype(np.int64) + self.low.view(np.uint8)
        both = np.stack([first.astype(np.int32), self.multiplier], axis=1)
        return np.ascontiguousarray(both).reshape(-1)


Member = int | Array | Weights | Channels
"""Of a kernel's struct."""
ROOM = 2048
"""Bytes of scratch for decoded weights where memory is scarce."""


@dataclass(frozen=True)
class KernelCall:
    """How generated C runs a node: firmware/kernels/<kernel>.h, its struct tc_<kernel>_t and
    function tc_<kernel>.
    """

    kernel: str
    """The name of the header without its suffix."""
    fields: Mapping[str, Member]
    """The members of the struct in declaration order: an int, an integer array (emitted as a
    constant array that the member points to), Weights (the member points to the codec's struct) or
    Channels (it points to bytes, or to words).
    """
    scratch: int = 0
    """Bytes that the kernel needs in addition to decoded weights."""
    in_place: bool = False
    """Whether the output may overwrite the first input."""
    input_rows: bool = False
    """Whether the kernel counts rows of its input instead of its output (reductions, which consume
    rows as they arrive).
    """
    keeps_scratch: bool = False
    """Whether a call continues with the scratch of the one before (the state of a recurrent layer);
    a kernel that counts input rows always does.
    """
    room: int = ROOM
    """Approximate limit on the scratch for decoded weights, in bytes."""
    compact: bool = False
    """Whether constants of channels should be such that they take few bytes when packed."""
    tile: int = 1
    """Pixels that the kernel computes together; it computes so many even if there are fewer."""
    table: int = 0
    """Bytes of a second scratch area; its address is the kernel's last argument."""
    share: float = 1
    """The share of the multiply-accumulates that it computes: less than one if it skips zeros, more
    if it multiplies by zeros that fill up windows or rows.
    """

    @property
    def continues(self) -> bool:
        """Whether scratch must stay as it is from the first call of an inference to the last."""
        return self.input_rows or self.keeps_scratch
