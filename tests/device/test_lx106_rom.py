"""The arithmetic functions that the LX106's compiler expects in ROM, compared with NumPy."""

from __future__ import annotations

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from tinycomp.common import resources

SOURCE = resources.firmware() / "ports" / "qemu" / "sim_lx106" / "rom.c"
RUNTIME = """#include <stdint.h>
uint64_t __udivmoddi4(uint64_t a, uint64_t b, uint64_t *remainder)
{
    if (remainder) {
        *remainder = a % b;
    }
    return a / b;
}
"""
"""Functions that the runtime provides itself."""
NAMES = (
    "umulsidi3",
    "muldi3",
    "udivsi3",
    "umodsi3",
    "udivdi3",
    "umoddi3",
    "mulsf3",
    "addsf3",
    "subsf3",
    "floatsisf",
)


@pytest.fixture(scope="module")
def rom(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Compiled under other names, because this computer's compiler has its own."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    folder = tmp_path_factory.mktemp("rom")
    target, runtime = folder / "rom.so", folder / "runtime.c"
    runtime.write_text(RUNTIME)
    names = [f"-D__{name}=rom_{name}" for name in NAMES]
    subprocess.run(
        ["gcc", "-O2", "-shared", "-fPIC", *names, SOURCE, runtime, "-o", target], check=True
    )
    library = ctypes.CDLL(str(target))
    for name in ("umulsidi3", "muldi3", "udivdi3", "umoddi3"):
        getattr(library, f"rom_{name}").restype = ctypes.c_uint64
    for name in ("udivsi3", "umodsi3"):
        getattr(library, f"rom_{name}").restype = ctypes.c_uint32
    for name in ("mulsf3", "addsf3", "subsf3", "floatsisf"):
        getattr(library, f"rom_{name}").restype = ctypes.c_float
    return library


def words(count: int) -> list[int]:
    """Random words of all bit lengths, and the ends of the range."""
    rng = np.random.default_rng(1)
    found = rng.integers(0, 1 << 32, count) >> rng.integers(0, 32, count)
    return [0, 1, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, *map(int, found)]


def test_integers(rom: ctypes.CDLL) -> None:
    for a in words(60):
        for b in words(60):
            x, y = ctypes.c_uint32(a), ctypes.c_uint32(b)
            assert rom.rom_umulsidi3(x, y) == a * b
            assert rom.rom_muldi3(ctypes.c_uint64(a << 7 | b), ctypes.c_uint64(b << 9)) == (
                (a << 7 | b) * (b << 9) % (1 << 64)
            )
            if b:
                wide = (ctypes.c_uint64(a << 20), ctypes.c_uint64(b << 3))
                assert (rom.rom_udivdi3(*wide), rom.rom_umoddi3(*wide)) == divmod(a << 20, b << 3)
                assert (rom.rom_udivsi3(x, y), rom.rom_umodsi3(x, y)) == divmod(a, b)


def floats(count: int) -> np.ndarray:
    """Close together, far apart, of both signs, with sums that cancel and products that tie."""
    rng = np.random.default_rng(2)
    wide = rng.standard_normal(count) * np.exp2(rng.integers(-30, 30, count))
    few_bits = rng.integers(-4097, 4098, count) / 64
    return np.concatenate([wide, few_bits, [0, 1, -1, 1 + 2**-23, 1 - 2**-24]]).astype(np.float32)


def bits(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def test_floats(rom: ctypes.CDLL) -> None:
    values = floats(60)
    for a in values:
        for b in values:
            x, y = ctypes.c_float(a), ctypes.c_float(b)
            for name, wanted in (("mul", a * b), ("add", a + b), ("sub", a - b)):
                found = getattr(rom, f"rom_{name}sf3")(x, y)
                assert bits(found) == bits(wanted), (name, a, b)


def test_integers_to_floats(rom: ctypes.CDLL) -> None:
    for a in words(500):
        signed = a - (1 << 32) if a >> 31 else a
        assert bits(rom.rom_floatsisf(ctypes.c_int32(signed))) == bits(signed)


def test_the_ends_of_the_range(rom: ctypes.CDLL) -> None:
    def product(a: float, b: float) -> float:
        return float(rom.rom_mulsf3(ctypes.c_float(a), ctypes.c_float(b)))

    assert product(2e38, 2) == np.inf
    assert product(1e-30, 1e-30) == 0
    assert product(1e-44, 1) == 0
