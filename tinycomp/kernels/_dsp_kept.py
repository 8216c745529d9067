"""Weights that are zero in blocks, for kernels that skip them: whether that saves instructions and
bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import codecs
from tinycomp.codecs.kept_words import WORD, KeptWords
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Tensor
from tinycomp.kernels._dsp_weights import Layer

PIXELS = 4
"""Pixels that are computed together."""
WORTHWHILE = 0.9
"""The share of the other kernel's instructions below which blocks are skipped."""
SPARE = 1.05
"""How many times the bytes of decoded weights they may take, which need scratch and time too."""


@dataclass(frozen=True)
class Rate:
    """Instructions of a kernel that skips, for the pixels it computes together, and of the one that
    does not.
    """

    kept: float
    """For each word that is kept."""
    unit: float
    """For each 16 words, kept or not."""
    expanding: float
    """To expand a value of a window or of a vector."""
    product: float
    """For each multiply-accumulate of the other kernel."""
    reading: float
    """To expand a value for the other kernel, or to read it."""


WINDOWS = Rate(kept=17, unit=8, expanding=7, product=0.79, reading=7)
COLUMNS = Rate(kept=17, unit=8, expanding=7, product=0.79, reading=2.5)
VECTORS = Rate(kept=12, unit=9, expanding=2.3, product=1.13, reading=0.7)
DECODED_VECTORS = replace(VECTORS, product=4, reading=0)
"""See tinycomp/kernels/costs/armv7e_m.json; decoded vectors are left to the portable kernel."""


@dataclass(frozen=True, eq=False)
class Kept:
    """The words that are not zero."""

    weights: Weights
    """All words (channels, bytes per channel), for the codec."""
    share: float
    """The share of words that are kept."""


def kept_of_windows(found: Layer, stored: Encoded, rate: Rate, output: Tensor) -> Kept | None:
    """The words of a convolution; None if skipping the others takes longer than the other kernel,
    or more bytes than the stored form.
    """
    pixels = math.prod(output.shape[:-1])
    tiles = -(-pixels // PIXELS)
    return _kept(found.words[: found.channels], stored, rate, (tiles, pixels))


def kept_of_vectors(words: NDArray[np.int8], stored: Encoded) -> Kept | None:
    """The words of a dense layer, likewise."""
    return _kept(words, stored, DECODED_VECTORS if stored.buffered else VECTORS, (1, 1))


def _kept(
    words: NDArray[np.int8], stored: Encoded, rate: Rate, counts: tuple[int, int]
) -> Kept | None:
    """The words, for so many tiles and pixels; None as above."""
    weights = Weights(words, 0, codecs=(KeptWords.name,))
    encoded = codecs()[KeptWords.name].encode(weights)
    if encoded is None or (stored.buffered and encoded.size > SPARE * stored.size):
        return None
    kept, units = encoded.array("words").size // WORD, encoded.array("kept").size
    tiles, pixels = counts
    values = pixels * words.shape[1]
    skipping = tiles * (rate.kept * kept + rate.unit * units) + rate.expanding * values
    other = rate.product * pixels * words.size + rate.reading * values
    share = WORD * kept / words.size
    return Kept(weights, share) if skipping <= WORTHWHILE * other else None
