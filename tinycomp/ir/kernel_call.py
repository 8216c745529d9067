"""How generated C runs a node: which kernel, with which constants and how much memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array


@dataclass(frozen=True)
class Weights:
    """int8 weights in the order in which a kernel reads them; a codec decides how they lie in
    flash.

    values: (channels, weights a channel). block: how many channels the kernel asks for at a time,
    at most; 0: it reads what is stored itself, without the codec's function.
    codebook: (groups, entries) as in Constant, groups 1 or channels.
    codecs: names of those that the kernel can read; None for any. words: the values are the bytes
    of int16 words, each of which stands for two weights (see codecs/pair_codebook.py).
    """

    values: NDArray[np.int8]
    block: int
    codebook: NDArray[np.int8] | None = None
    codecs: tuple[str, ...] | None = None
    words: bool = False


ROOM = 2048
"""Bytes of scratch for decoded weights where memory is scarce."""


@dataclass(frozen=True)
class KernelCall:
    """How generated C runs a node: firmware/kernels/<kernel>.h, its struct tc_<kernel>_t and
    function tc_<kernel>.

    fields: the struct's members in the order of their declaration: an int, an integer array
    (emitted as a constant array, the member points to it) or Weights (the member points to the
    codec's struct). scratch: bytes the kernel needs beside decoded weights. in_place: the output
    may lie on the first input.
    input_rows: the kernel counts rows of its input, not of its output (reductions, which take rows
    as they come). room: about how many bytes of scratch decoded weights may take. tile: pixels that
    the kernel computes together, even where there are fewer. table: bytes of scratch that may lie
    elsewhere; the kernel gets their address behind the other's.
    """

    kernel: str
    fields: Mapping[str, int | Array | Weights]
    scratch: int = 0
    in_place: bool = False
    input_rows: bool = False
    room: int = ROOM
    tile: int = 1
    table: int = 0
