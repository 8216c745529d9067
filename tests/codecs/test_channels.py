"""Packed channel constants: lossless, common values are stored once, and C reads them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycomp.codecs._channels import FACTOR, HEADER, pack, unpack
from tinycomp.codecs._policy import BALANCED, FEWEST_BYTES, PLAIN
from tinycomp.common import resources
from tinycomp.ir.kernel_call import Channels
from tinycomp.target.toolchain import SANITIZE, STRICT

SPREADS = (1, 2, 5, 300)
PROGRAM = """
#include <stdio.h>
#include "factors.h"
static const uint8_t packed[] = {%s};
int main(void)
{
    static int8_t room[8 * %d];
    for (unsigned first = 0; first < %d; first++) {
        tc_channels_t from = tc_channels_from(packed, first);
        const tc_channel_t channel = tc_channels_next(&from);
        printf("%%ld %%d ", (long)channel.start, (int8_t)channel.low);
        printf("%%ld\\n", (long)channel.multiplier);
    }
    const int32_t *const words = tc_factors(packed, 1, 0, %d, room);
    for (unsigned i = 0; i < 2 * %d; i++) {
        printf("%%ld\\n", (long)words[i]);
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
        starts.astype(np.int32), low.astype(np.int8), known[chosen].astype(np.int32), pairs=True
    )


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


@pytest.mark.parametrize("sanitize", [True, False])
def test_c_reads_it(sanitize: bool, tmp_path: Path) -> None:
    for seed, (bits, factors, lows) in enumerate(
        [(16, 1, 1), (17, 5, 0), (32, 1, 200), (9, 5, 200), (30, 300, 0), (3, 1, 1)]
    ):
        expected = channels_of(seed, 30, bits, 2, factors, lows)
        stored = pack(expected)
        single = ["-DTC_CHANNELS_SINGLE=1"] if stored[2] == 1 else []
        packed = ", ".join(map(str, stored))
        source, program = tmp_path / f"{seed}.c", tmp_path / f"program{seed}"
        source.write_text(PROGRAM % (packed, *(len(expected.start),) * 4))
        include = [f"-I{resources.firmware() / 'kernels'}"]
        flags = [*STRICT, *(SANITIZE if sanitize else ("-O2",)), *include]
        wanted = np.stack([expected.start, expected.low, expected.multiplier], axis=1)
        for known in ([], single):
            subprocess.run(["gcc", "-std=c99", *flags, *known, source, "-o", program], check=True)
            lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout
            numbers = [list(map(int, line.split())) for line in lines.splitlines()]
            np.testing.assert_array_equal(numbers[: len(wanted)], wanted)
            np.testing.assert_array_equal(np.ravel(numbers[len(wanted) :]), expected.words)


def test_the_policy_weighs_bytes_against_instructions() -> None:
    assert not PLAIN.packs(packed=300, plain=512, cost=1000, work=100_000)
    assert PLAIN.packs(packed=300, plain=512, cost=1000, work=1_000_000)
    assert BALANCED.packs(packed=300, plain=512, cost=150 * 212, work=0)
    assert not BALANCED.packs(packed=300, plain=512, cost=150 * 212 + 1, work=0)
    assert not FEWEST_BYTES.packs(packed=350, plain=512, cost=0, work=1)
