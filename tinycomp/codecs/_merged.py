"""Packed pairs of words of channels, in records of as few bits as all of them allow, read by
firmware/kernels/factors.h.

A header of five bytes: APART plus the bits of a record's first word; the bits of its multiplier; 0;
the zeros at the end of all multipliers; how many bits of the first word are below a multiple of
256. Then the records, bit by bit, the lowest first: multiplier, first word.

A layer that rounds once starts its sums at a multiple of 256 plus a number that is about the same
for all channels of one multiplier (kernels/_dsp_rounding.py). `estimate` computes it, so that few
bits are left of it; WHOLE of them if first words are anything else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array

HEADER = 5
APART = 128
"""Added to the first byte of the header: see _channels.py."""
WHOLE = 8
"""Bits below a multiple of 256 that stand for a first word which is stored as it is."""
OWN = (*range(5), WHOLE)
"""Numbers of those bits to try."""
_WORD = 32
"""Bits that are read at once, from a byte on."""


@dataclass(frozen=True)
class _Form:
    first: int
    """Bits of a record's first word, with a sign."""
    multiplier: int
    """Bits of its multiplier."""
    zeros: int
    """That multipliers have at their end and records don't."""
    own: int
    """Bits of first words below a multiple of 256."""

    @property
    def record(self) -> int:
        """Bits of a record."""
        return self.first + self.multiplier


def pack_words(words: NDArray[np.int32], *, once: bool) -> NDArray[np.uint8] | None:
    """The bytes of flat pairs of words, checked by reading them; None if multipliers have signs.
    once: of a layer that rounds once; others' first words are stored as they are.
    """
    first, multiplier = words.astype(np.int64).reshape(-1, 2).T
    zeros = zeros_of(multiplier)
    tried = {own: _shortened(first, multiplier, own) for own in (OWN if once else (WHOLE,))}
    found = {own: number for own, number in tried.items() if number is not None}
    forms = [
        _readable(_Form(bits_of(number), max(1, _bits(multiplier >> zeros)), zeros, own))
        for own, number in found.items()
    ]
    form = min((each for each in forms if each), key=lambda each: each.record, default=None)
    if form is None or multiplier.min(initial=0) < 0:
        return None
    parts = [
        _low_bits(multiplier >> zeros, form.multiplier),
        _low_bits(found[form.own], form.first),
    ]
    records = np.packbits(np.concatenate(parts, axis=1).reshape(-1), bitorder="little")
    header = np.array([APART + form.first, form.multiplier, 0, zeros, form.own], np.uint8)
    packed = np.concatenate([header, records])
    if not np.array_equal(unpack_words(packed, len(first)), words):
        raise AssertionError("words of channels are not what was packed")
    return packed


def unpack_words(packed: NDArray[np.uint8], count: int) -> NDArray[np.int32]:
    """The pairs of words of `count` channels, flat: the reference for C."""
    first, wide, own = int(packed[0]) - APART, int(packed[1]), int(packed[4])
    bits = np.unpackbits(packed[HEADER:], bitorder="little").astype(np.int64)
    records = bits[: count * (first + wide)].reshape(count, -1)
    multiplier = _number(records[:, :wide]) << int(packed[3])
    number = _number(records[:, wide:])
    number -= (number >> first - 1) << first
    if own < WHOLE:
        number = (number >> own << 8) + (number & ((1 << own) - 1)) + estimate(multiplier)
    return np.stack([number, multiplier], axis=1).astype(np.int32).reshape(-1)


def estimate(multiplier: Array) -> Array:
    """About what sums of layers that round once start at beside their biases, less one: 128 times
    the reciprocal of the multiplier as a number from one half to one.
    """
    _, length = np.frexp(multiplier.astype(np.float64))
    upper = (multiplier << (32 - length.astype(np.int64)) >> 16) + 1
    found: Array = ((1 << 24) // upper >> 1) - 1
    return found


def bits_of(values: Array) -> int:
    """Bits of signed numbers."""
    return max(int(values.max(initial=0)), int(~values.min(initial=0))).bit_length() + 1


def zeros_of(values: Array) -> int:
    """How many bits at the end are zero in all of them."""
    together = int(np.bitwise_or.reduce(values.astype(np.int64), initial=0))
    return (together & -together).bit_length() - 1 if together else 0


def fitting(first: Array, multiplier: Array, own: int) -> NDArray[np.bool_]:
    """Which pairs of words a form with so many own bits can hold."""
    if own == WHOLE:
        return np.ones(first.shape, np.bool_)
    found: NDArray[np.bool_] = (first - estimate(multiplier)) % 256 < 1 << own
    return found


def record_bits(first: Array, multiplier: Array, own: int) -> int:
    """Bits of a record of these pairs of words, which have to fit; all but those for reading."""
    number = _shortened(first, multiplier, own)
    assert number is not None
    return bits_of(number) + _bits(multiplier >> zeros_of(multiplier))


def _shortened(first: Array, multiplier: Array, own: int) -> Array | None:
    """What is stored of first words; None if that is impossible."""
    if own == WHOLE:
        return first
    if not fitting(first, multiplier, own).all():
        return None
    rest = first - estimate(multiplier)
    number: Array = (rest >> 8 << own) + rest % 256
    return number


def _bits(values: Array) -> int:
    """Bits of numbers without a sign."""
    return int(values.max(initial=0)).bit_length()


def _readable(form: _Form) -> _Form | None:
    """The form with as many more bits as it takes to read each number as a part of one word; None
    if that is impossible.
    """
    for more in range(8):
        for part in range(more + 1):
            first, multiplier = form.first + part, form.multiplier + more - part
            if max(first, multiplier) <= _WORD and _lies_in_words(first, multiplier):
                return _Form(first, multiplier, form.zeros, form.own)
    return None


def _lies_in_words(first: int, multiplier: int) -> bool:
    """Whether each number of all records is in the word that ends with its last byte."""
    ends = [(first + multiplier) * record for record in range(8)]
    return all(
        multiplier + -(end + multiplier) % 8 <= _WORD and first + -(end) % 8 <= _WORD
        for end in ends
    )


def _low_bits(values: Array, count: int) -> NDArray[np.uint8]:
    """Bits (numbers, count), the lowest first."""
    found: NDArray[np.uint8] = (values[:, None] >> np.arange(count) & 1).astype(np.uint8)
    return found


def _number(bits: Array) -> Array:
    """Numbers without a sign, of bits (numbers, count)."""
    found: Array = (bits << np.arange(bits.shape[1])).sum(axis=1)
    return found
