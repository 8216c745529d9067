"""The arithmetic in kernels/scalar/ is exact, and requantize.h equals fixed.py, with wide products
and without.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tinycomp.common import resources
from tinycomp.ir.fixed_point import INT32_MAX, requantize
from tinycomp.ir.tensor import Array

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

SOURCE = """
#include "products.h"
void high(const int32_t *x, int32_t *y, int count, int32_t multiplier);
void high(const int32_t *x, int32_t *y, int count, int32_t multiplier)
{
    for (int i = 0; i < count; i++) {
        y[i] = tc_scalar_high_word(x[i], multiplier);
    }
}
void to_int8(const int32_t *x, int32_t *y, int count, int32_t multiplier, int shift, int zero_point,
             int low);
void to_int8(const int32_t *x, int32_t *y, int count, int32_t multiplier, int shift, int zero_point,
             int low)
{
    const int32_t factors[2] = {shift + 1, multiplier};
    const tc_scalar_output_t output = tc_scalar_output(zero_point, low, 127);
    const tc_scalar_scale_t scale = tc_scalar_scale(output, factors);
    for (int i = 0; i < count; i++) {
        y[i] = tc_scalar_int8(x[i], scale);
    }
}
"""
MULTIPLIERS = (1 << 30, (1 << 30) + 1, 1_234_567_891, 1_999_999_999, INT32_MAX)


@pytest.fixture(scope="module", params=["wide", "narrow"])
def library(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> ctypes.CDLL:
    folder: Path = tmp_path_factory.mktemp("arithmetic")
    source, target = folder / "a.c", folder / "a.so"
    source.write_text(SOURCE)
    kernels = resources.firmware() / "kernels"
    flags = ["-D__ARM_ARCH_6M__"] if request.param == "narrow" else []
    flags += ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    flags += [f"-I{kernels}", f"-I{kernels / 'scalar'}"]
    command = ["gcc", "-std=c99", "-O2", "-shared", "-fPIC", *flags, source, "-o", target]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(target))


def _call(library: ctypes.CDLL, name: str, x: Array, *numbers: int) -> Array:
    values = np.ascontiguousarray(x, np.int32)
    result = np.empty_like(values)
    pointers = (values.ctypes.data_as(ctypes.c_void_p), result.ctypes.data_as(ctypes.c_void_p))
    getattr(library, name)(*pointers, values.size, *numbers)
    return result


def _numbers(bits: int) -> Array:
    """Small numbers, powers of two and their neighbours, and random numbers, of both signs."""
    powers = np.array([(1 << i) + d for i in range(bits) for d in (-1, 0, 1)] + [(1 << bits) - 1])
    free = np.random.default_rng(0).integers(0, 1 << bits, 3000)
    found = np.concatenate([np.arange(1000), powers, free])
    return np.concatenate([found, -found])


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
def test_high_word(library: ctypes.CDLL, multiplier: int) -> None:
    numbers = _numbers(31)
    expected = (numbers.astype(np.int64) * multiplier) >> 32
    assert np.array_equal(_call(library, "high", numbers, multiplier), expected)


@pytest.mark.parametrize("shift", range(1, 23))
def test_int8(library: ctypes.CDLL, shift: int) -> None:
    sums = _numbers(20)
    for multiplier in MULTIPLIERS:
        for zero_point, low in ((-128, -128), (-128, -100), (127, -128), (0, 0), (5, -128)):
            scaled = requantize(sums, multiplier, -shift) + zero_point
            found = _call(library, "to_int8", sums, multiplier, shift, zero_point, low)
            assert np.array_equal(found, np.clip(scaled, low, 127))
