"""The arithmetic in tinycomp.h equals fixed.py on a dense grid."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tinycomp.common import resources
from tinycomp.ir.fixed_point import INT32_MAX, requantize, rounding_shift_right
from tinycomp.ir.tensor import Array

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

SOURCE = """
#include "tinycomp.h"
void requantize(const int32_t *x, int32_t *y, int count, int32_t multiplier, int shift);
void requantize(const int32_t *x, int32_t *y, int count, int32_t multiplier, int shift)
{
    for (int i = 0; i < count; i++) {
        y[i] = tc_requantize(x[i], multiplier, shift);
    }
}
void shift_right(const int32_t *x, int32_t *y, int count, int32_t unused, int shift);
void shift_right(const int32_t *x, int32_t *y, int count, int32_t unused, int shift)
{
    (void)unused;
    for (int i = 0; i < count; i++) {
        y[i] = tc_rounding_shift_right(x[i], shift);
    }
}
int clamp(int x, int low, int high);
int clamp(int x, int low, int high)
{
    return tc_clamp(x, low, high);
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder: Path = tmp_path_factory.mktemp("arithmetic")
    source, target = folder / "a.c", folder / "a.so"
    source.write_text(SOURCE)
    include = f"-I{resources.firmware() / 'kernels'}"
    command = ["gcc", "-std=c99", "-O2", "-shared", "-fPIC", include, source, "-o", target]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(target))


def _call(library: ctypes.CDLL, name: str, x: Array, multiplier: int, shift: int) -> Array:
    values = np.ascontiguousarray(x, np.int32)
    result = np.empty_like(values)
    pointers = (values.ctypes.data_as(ctypes.c_void_p), result.ctypes.data_as(ctypes.c_void_p))
    getattr(library, name)(*pointers, values.size, multiplier, shift)
    return result


def _sums(largest: int) -> Array:
    """Small numbers, powers of two and their neighbours, and random numbers, of both signs."""
    powers = np.array([(1 << i) + d for i in range(31) for d in (-1, 0, 1)])
    free = np.random.default_rng(0).integers(0, largest, 2000)
    sums = np.concatenate([np.arange(1000), powers, free, [largest]])
    sums = sums[sums <= largest]
    return np.concatenate([sums, -sums])


@pytest.mark.parametrize("shift", range(-31, 8))
def test_requantize(library: ctypes.CDLL, shift: int) -> None:
    sums = _sums(INT32_MAX >> max(shift, 0))
    for multiplier in (1 << 30, (1 << 30) + 1, 1_234_567_891, 1_999_999_999, INT32_MAX):
        expected = requantize(sums, multiplier, shift)
        assert np.array_equal(_call(library, "requantize", sums, multiplier, shift), expected)


@pytest.mark.parametrize("shift", range(32))
def test_shift_right(library: ctypes.CDLL, shift: int) -> None:
    sums = _sums(INT32_MAX - 1)
    expected = rounding_shift_right(sums, shift)
    assert np.array_equal(_call(library, "shift_right", sums, 0, shift), expected)


def test_clamp(library: ctypes.CDLL) -> None:
    cases = [(-1000, -128, 127), (1000, -128, 127), (5, -3, 7), (5, 9, 12), (5, -9, 2)]
    assert [library.clamp(*case) for case in cases] == [-128, 127, 5, 9, 2]
