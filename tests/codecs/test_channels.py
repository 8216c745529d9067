"""Packed channel constants: lossless, common values are stored once, and C reads them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycomp.codecs._channels import FACTOR, HEADER, merged, pack, unpack
from tinycomp.codecs._merged import HEADER as MERGED_HEADER
from tinycomp.codecs._merged import WHOLE, estimate, pack_words, unpack_words
from tinycomp.codecs._policy import BALANCED, FEWEST_BYTES, PLAIN, SMALLEST
from tinycomp.common import resources
from tinycomp.ir.kernel_call import Channels
from tinycomp.target.toolchain import SANITIZE, STRICT

SPREADS = (1, 2, 5, 300)
PAIRS = ((24, 7, 48), (20, 3, 48), (25, 0, 56), (28, 3, 56), (32, 8, 56))
"""Bits of initial values, zeros of multipliers, and the bits of their records."""
PROGRAM = """
#include <stdio.h>
#include "factors.h"
static const uint8_t packed[] = {%s};
int main(void)
{
    for (unsigned first = 0; first < %d; first++) {
        tc_channels_t from = tc_channels_from(packed, first);
        const tc_channel_t channel = tc_channels_next(&from);
        printf("%%ld %%d ", (long)channel.start, (int8_t)channel.low);
        printf("%%ld\\n", (long)channel.multiplier);
    }
    return 0;
}
"""
WORDS = """
#include <stdio.h>
#include "factors.h"
static const uint8_t packed[] = {%s};
int main(void)
{
    static int8_t room[8 * %d];
    for (unsigned first = 0; first < %d; first += 7) {
        const int32_t *const words = tc_factors(packed, 1, first, %d - first, room);
        printf("%%ld %%ld\\n", (long)words[0], (long)words[1]);
    }
    const int32_t *const words = tc_factors(packed, 1, 0, %d, room);
    for (unsigned i = 0; i < %d; i++) {
        printf("%%ld %%ld\\n", (long)words[2 * i], (long)words[2 * i + 1]);
    }
    return 0;
}
"""


def channels_of(seed: int, count: int, bits: int, places: int, factors: int, lows: int) -> Channels:
    """Random constants with the given bits and trailing zeros of initial values, and the given
    numbers of multipliers and low bits.
    """
    rng = np.random.default_rng(seed)
    half = 1 << (bits - 1)
    starts = rng.integers(-half, half, count) << min(places, 32 - bits)
    known = rng.integers(1 << 30, 1 << 31, factors)
    chosen = rng.integers(factors, size=count)
    low = (chosen if lows == 0 else rng.integers(lows, size=count)) % 256 - 128
    return Channels(
        starts.astype(np.int32), low.astype(np.int8), known[chosen].astype(np.int32), pairs=False
    )


def pairs_of(seed: int, count: int, bits: int, zeros: int) -> Channels:
    """Random pairs of words: initial values of so many bits, multipliers with so many zeros at
    their end.
    """
    rng = np.random.default_rng(seed)
    first = rng.integers(-1 << (bits - 1), 1 << (bits - 1), count)
    first[0] = -1 << (bits - 1)
    multiplier = rng.integers(1 << 30 - zeros, 1 << 31 - zeros, count) << zeros
    low = (first % 256).astype(np.uint8)
    return Channels(
        (first - low).astype(np.int32), low.view(np.int8), multiplier.astype(np.int32), pairs=True
    )


def estimated(own: int, count: int) -> Channels:
    """Pairs of words as of layers that round once: a bias of 18 bits, 256-fold, plus the estimate
    and a number of so many bits.
    """
    rng = np.random.default_rng(own)
    multiplier = rng.integers(1 << 21, 1 << 24, count) << 7
    multiplier[0] = 1 << 30
    more = rng.integers(1 << own, size=count)
    more[0] = (1 << own) - 1
    first = 256 * rng.integers(-1 << 17, 1 << 17, count) + estimate(multiplier) + more
    low = (first % 256).astype(np.uint8)
    return Channels(
        (first - low).astype(np.int32), low.view(np.int8), multiplier.astype(np.int32), pairs=True,
        once=True,
    )  # fmt: skip


def test_the_random_constants_cover_every_form() -> None:
    forms = {
        (int(packed[0]) >> 7, min(2, int(packed[2])))
        for packed in (
            pack(channels_of(1, 40, 16, 8, 1, 1)),
            pack(channels_of(1, 40, 16, 8, 5, 0)),
            pack(channels_of(1, 40, 16, 8, 1, 200)),
            pack(channels_of(1, 40, 16, 8, 5, 200)),
            pack(channels_of(1, 40, 16, 8, 300, 0)),
        )
    }
    assert forms == {(0, 1), (0, 2), (1, 1), (1, 2), (0, 0)}


@given(
    st.integers(0, 1 << 30),
    st.integers(1, 300),
    st.integers(1, 32),
    st.integers(0, 20),
    st.sampled_from(SPREADS),
    st.sampled_from((0, 1, 3, 256)),
)
def test_unpacking_restores_the_constants(
    seed: int, count: int, bits: int, places: int, factors: int, lows: int
) -> None:
    given_channels = channels_of(seed, count, bits, places, factors, lows)
    start, low, multiplier = unpack(pack(given_channels), count)
    np.testing.assert_array_equal(start, given_channels.start)
    np.testing.assert_array_equal(low, given_channels.low)
    np.testing.assert_array_equal(multiplier, given_channels.multiplier)


def test_common_values_are_stored_once() -> None:
    single = pack(channels_of(0, 64, 16, 8, 1, 1))
    assert single.size == HEADER + FACTOR + 64 * 2
    few = pack(channels_of(0, 64, 16, 8, 5, 0))
    assert few.size == HEADER + 5 * FACTOR + 64 * (1 + 2)
    own = pack(channels_of(0, 64, 24, 8, 300, 0))
    assert own.size <= HEADER + 64 * (FACTOR + 3)


@pytest.mark.parametrize(("bits", "zeros", "record"), PAIRS)
def test_pairs_of_words_are_merged(bits: int, zeros: int, record: int) -> None:
    channels = pairs_of(bits, 40, bits, zeros)
    packed = pack(channels)
    assert merged(packed)
    assert packed.size == MERGED_HEADER + record * 40 // 8
    np.testing.assert_array_equal(unpack_words(packed, 40), channels.words)


def test_pairs_of_all_bits_take_as_many_bytes_as_words() -> None:
    channels = pairs_of(0, 40, 32, 0)
    packed = pack_words(channels.words, once=True)
    assert packed is not None
    assert packed.size == MERGED_HEADER + channels.words.nbytes


def test_negative_multipliers_are_not_merged() -> None:
    channels = pairs_of(0, 40, 20, 3)
    assert merged(pack(channels))
    assert not merged(pack(replace(channels, multiplier=-channels.multiplier)))


@pytest.mark.parametrize("own", range(5))
def test_initial_values_are_completed_by_an_estimate(own: int) -> None:
    channels = estimated(own, 64)
    packed = pack(channels)
    assert packed[4] == own
    bits = int(packed[0]) - 128 + int(packed[1])
    assert (
        bits <= 18 + own + 24 + 3
    )  # of a bias, what is left of the estimate, a multiplier, and three more
    assert packed.size == MERGED_HEADER + 8 * bits
    np.testing.assert_array_equal(unpack_words(packed, 64), channels.words)
    others = channels.words.copy()
    others[::2] += 77  # beyond the estimate
    assert pack_words(others, once=True)[4] == WHOLE
    assert pack(replace(channels, once=False))[4] == WHOLE


@pytest.mark.parametrize("sanitize", [True, False])
def test_c_reads_it(sanitize: bool, tmp_path: Path) -> None:
    for seed, (bits, factors, lows) in enumerate(
        [(16, 1, 1), (17, 5, 0), (32, 1, 200), (9, 5, 200), (30, 300, 0), (3, 1, 1)]
    ):
        expected = channels_of(seed, 30, bits, 2, factors, lows)
        packed = pack(expected)
        wanted = np.stack([expected.start, expected.low, expected.multiplier], axis=1)
        for known in ([], ["-DTC_CHANNELS_SINGLE=1"] if packed[2] == 1 else []):
            numbers = printed(PROGRAM, packed, (30,), known, tmp_path, sanitize=sanitize)
            np.testing.assert_array_equal(numbers, wanted)


@pytest.mark.parametrize("sanitize", [True, False])
def test_c_reads_pairs_of_words(sanitize: bool, tmp_path: Path) -> None:
    pairs = [pairs_of(bits, 30, bits, zeros) for bits, zeros, _ in (*PAIRS, (32, 0, 8))]
    pairs += [estimated(own, 30) for own in (0, 3)]
    shared = channels_of(0, 30, 16, 2, 1, 1)
    for channels in (*pairs, replace(shared, pairs=True)):
        packed = pack(channels)
        words = channels.words.reshape(-1, 2)
        for known in ([], known_of(packed)):
            numbers = printed(WORDS, packed, (30,) * 5, known, tmp_path, sanitize=sanitize)
            np.testing.assert_array_equal(numbers, [*words[::7], *words])


def known_of(packed: np.ndarray) -> list[str]:
    """Macros that hold for packed constants."""
    if not merged(packed):
        return []
    whole = packed[4] == WHOLE
    form = "-DTC_FACTORS_STORED=1" if whole else "-DTC_FACTORS_ESTIMATED=1"
    return ["-DTC_FACTORS_MERGED=1", form]


def printed(
    text: str,
    packed: np.ndarray,
    counts: tuple[int, ...],
    known: list[str],
    folder: Path,
    *,
    sanitize: bool,
) -> list[list[int]]:
    """The lines of numbers that a program prints which reads packed constants."""
    source, program = folder / "program.c", folder / "program"
    source.write_text(text % (", ".join(map(str, packed)), *counts))
    include = [f"-I{resources.firmware() / 'kernels'}"]
    flags = [*STRICT, *(SANITIZE if sanitize else ("-O2",)), *include, *known]
    subprocess.run(["gcc", "-std=c99", *flags, source, "-o", program], check=True)
    lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return [list(map(int, line.split())) for line in lines.splitlines()]


def test_the_policy_weighs_bytes_against_instructions() -> None:
    assert not PLAIN.packs(packed=300, plain=512, cost=1000, work=100_000)
    assert PLAIN.packs(packed=300, plain=512, cost=1000, work=1_000_000)
    assert BALANCED.packs(packed=300, plain=512, cost=150 * 212, work=0)
    assert not BALANCED.packs(packed=300, plain=512, cost=150 * 212 + 1, work=0)
    assert not FEWEST_BYTES.packs(packed=350, plain=512, cost=0, work=1)
    assert SMALLEST.packs(packed=452, plain=512, cost=1e9, work=0)
