"""Rounding once in Armv7E-M kernels gives the outputs of LiteRT, which rounds twice: at every sum
where an output changes, at its neighbours, and at random sums.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinycomp.codecs._channels import pack
from tinycomp.codecs._merged import HEADER
from tinycomp.ir.fixed_point import requantize
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.kernels._dsp_rounding import ONCE, rounding
from tinycomp.kernels._dsp_sums import Sums, reach, sums_of

CHANNELS = 64


def call_of(seed: int, length: int, shifts: tuple[int, int], zero_point: int = -128) -> KernelCall:
    """A convolution with random weights, biases and multipliers."""
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-127, 128, (CHANNELS, length)).astype(np.int8)
    matrix[0] = 0  # its output never changes
    fields = {
        "weights": Weights(matrix, CHANNELS),
        "constants": Channels(
            rng.integers(-3000, 3000, CHANNELS).astype(np.int32),
            multiplier=rng.integers(1 << 30, 1 << 31, CHANNELS).astype(np.int32),
            low=-rng.integers(*shifts, CHANNELS, endpoint=True).astype(np.int8),
        ),
        "output_zero_point": zero_point,
        "activation_min": -128,
        "activation_max": 127,
    }
    return KernelCall("conv_2d", fields)


def once(factors: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """The outputs of sums (channels, any) by the instructions SMMLA and SSAT."""
    start, multiplier = factors.astype(np.int64).reshape(-1, 2, 1).transpose(1, 0, 2)
    register = 256 * sums + start
    assert (np.abs(register) < 1 << 31).all()
    return np.clip((ONCE + (register * multiplier >> 32)) >> 12, -128, 127)


def twice(sums: Sums, values: np.ndarray) -> np.ndarray:
    """LiteRT's outputs of sums (channels, any) that include biases."""
    factor = (sums.multiplier[:, None], -sums.shift[:, None])
    return np.clip(requantize(values, *factor) - 128, -128, 127)


def interesting(sums: Sums, rng: np.random.Generator) -> np.ndarray:
    """Possible sums of each channel: those at which outputs change, their neighbours, the smallest
    and the largest, and random ones.
    """
    low, high = (limit[:, None] for limit in reach(sums.weights, sums.bias))
    real = (np.arange(255) + 0.5) * 2.0 ** (31 + sums.shift[:, None]) / sums.multiplier[:, None]
    near = np.concatenate([np.floor(real) + step for step in range(-2, 3)], axis=1)
    drawn = rng.integers(low, high + 1, (CHANNELS, 500))
    return np.clip(np.concatenate([near.astype(np.int64), drawn, low, high], axis=1), low, high)


@pytest.mark.parametrize(("length", "shifts"), [(9, (5, 8)), (64, (7, 10)), (576, (8, 9))])
@pytest.mark.parametrize("seed", range(4))
def test_outputs_equal(seed: int, length: int, shifts: tuple[int, int]) -> None:
    call = call_of(seed, length, shifts)
    sums = sums_of(call)
    assert sums is not None
    found = rounding(call, sums)
    assert found["rounding"] == ONCE
    values = interesting(sums, np.random.default_rng(seed))
    expected = twice(sums, values)
    assert len(np.unique(expected)) > 200
    factors = found["factors"].words
    # What sums start at has the bias already.
    got = once(factors, values - sums.bias[:, None])
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("length", "shifts"), [(9, (5, 8)), (576, (8, 9))])
def test_short_constants_give_the_same_outputs(length: int, shifts: tuple[int, int]) -> None:
    call = replace(call_of(1, length, shifts), compact=True)
    matrix = call.fields["weights"].values.copy()
    matrix[0] = matrix[1]  # all outputs change
    call = replace(call, fields={**call.fields, "weights": Weights(matrix, CHANNELS)})
    sums = sums_of(call)
    assert sums is not None
    factors = rounding(call, sums)["factors"]
    assert len(pack(factors)) <= HEADER + 46 * CHANNELS // 8
    values = interesting(sums, np.random.default_rng(1))
    got = once(factors.words, values - sums.bias[:, None])
    np.testing.assert_array_equal(got, twice(sums, values))


def test_channels_with_one_multiplier_share_the_result() -> None:
    """Weights and biases differ, and so do the possible sums."""
    call = call_of(3, 64, (8, 8))
    constants = call.fields["constants"]
    equal = replace(constants, multiplier=np.full_like(constants.multiplier, 1_234_567_891))
    call = replace(call, fields={**call.fields, "constants": equal})
    sums = sums_of(call)
    assert sums is not None
    found = rounding(call, sums)
    channels = found["factors"]
    assert found["rounding"] == ONCE
    others = slice(1, None)  # of channel 0 the output never changes
    assert len(np.unique(channels.multiplier[others])) == len(np.unique(channels.low[others])) == 1
    values = interesting(sums, np.random.default_rng(3))
    got = once(channels.words, values - sums.bias[:, None])
    np.testing.assert_array_equal(got, twice(sums, values))


def test_a_multiplier_that_is_a_little_off_is_not_enough() -> None:
    """Shows that the test above can fail."""
    call = call_of(0, 576, (8, 9))
    sums = sums_of(call)
    assert sums is not None
    factors = rounding(call, sums)["factors"].words
    factors[1::2] += factors[1::2] // 3000
    values = interesting(sums, np.random.default_rng(0))
    assert (once(factors, values - sums.bias[:, None]) != twice(sums, values)).any()


@pytest.mark.parametrize(
    ("zero_point", "shifts"), [(-127, (7, 10)), (0, (7, 10)), (-128, (1, 3)), (-128, (16, 18))]
)
def test_other_sums_are_rounded_twice(zero_point: int, shifts: tuple[int, int]) -> None:
    """If negative outputs matter, or multipliers are too large or too small."""
    call = call_of(1, 576, shifts, zero_point)
    sums = sums_of(call)
    assert sums is not None
    assert rounding(call, sums)["rounding"] == 2 * zero_point + 1
