"""Every kernel compiles alone, without warnings, as C99 and C++11, for every available core."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from native_compilers import CLANGS

from tinycomp.common import resources

KERNELS = resources.firmware() / "kernels"
HELPERS = (
    "affine",
    "assembly",
    "block",
    "block_int16",
    "cells",
    "cells_int16",
    "channel_sums_int16",
    "channels",
    "curves_int16",
    "dense_int16",
    "depthwise_cells_int16",
    "division_int16",
    "divisor",
    "double_product",
    "exponentials",
    "factors",
    "fully_connected_output",
    "functions_16",
    "gather_int16",
    "int16",
    "lstm_unit",
    "product",
    "recurrent_mask",
    "recurrent_mask_int16",
    "recurrent_rows",
    "recurrent_rows_int16",
    "scale",
    "tinycomp",
    "window",
    "windows_int16",
)
NAMES = sorted(path.stem for path in KERNELS.glob("*.h") if path.stem not in HELPERS)

INCLUDE = tuple(
    f"-I{folder}" for folder in (KERNELS, KERNELS / "generic", KERNELS.parent / "codecs")
)
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
COMPILERS = {
    "gcc, C99": ("gcc", "-std=c99"),
    "g++, C++11": ("g++", "-std=c++11", "-x", "c++"),
    **{f"{clang}, C99": (clang, "-std=c99") for clang in CLANGS[-1:]},
    "Cortex-M4": ("arm-none-eabi-gcc", "-std=c99", "-mcpu=cortex-m4", "-mthumb"),
    "Cortex-M0": ("arm-none-eabi-gcc", "-std=c99", "-mcpu=cortex-m0", "-mthumb"),
    "AVR": ("avr-gcc", "-std=c99", "-mmcu=atmega2560"),
    "LX106": ("xtensa-lx106-elf-gcc", "-std=c99"),
}


def _source(kernel: str) -> str:
    return f"""#include "{kernel}.h"
void use(const tc_{kernel}_t *k, const tc_input_t *in, const tc_output_t *out, int8_t *scratch);
void use(const tc_{kernel}_t *k, const tc_input_t *in, const tc_output_t *out, int8_t *scratch)
{{
    tc_{kernel}(k, in, out, 0, 1, scratch);
}}
"""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_compiles_without_a_warning(compiler: str, tmp_path: Path) -> None:
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    for kernel in NAMES:
        source = tmp_path / f"{kernel}.c"
        source.write_text(_source(kernel))
        arguments = [*command, "-Os", *WARNINGS, *INCLUDE, "-c", source, "-o", tmp_path / "out.o"]
        done = subprocess.run(arguments, capture_output=True, text=True)
        assert done.returncode == 0, f"{kernel}: {done.stderr}"


def test_no_division_in_the_inference(tmp_path: Path) -> None:
    """LX106's libgcc has no integer division; no kernel may call for one."""
    if shutil.which("xtensa-lx106-elf-gcc") is None:
        pytest.skip("xtensa-lx106-elf-gcc is not installed")
    for kernel in NAMES:
        source, target = tmp_path / f"{kernel}.c", tmp_path / f"{kernel}.o"
        source.write_text(_source(kernel))
        compiler = ["xtensa-lx106-elf-gcc", "-std=c99", "-Os", *INCLUDE, "-c", source, "-o", target]
        subprocess.run(compiler, check=True)
        symbols = ["xtensa-lx106-elf-nm", "-u", target]
        needed = subprocess.run(symbols, check=True, capture_output=True, text=True).stdout
        assert "div" not in needed, f"{kernel}: {needed}"
        assert "mod" not in needed, f"{kernel}: {needed}"


def test_read_write_operands_of_assembly_have_early_clobbers() -> None:
    """A read-write operand needs an early clobber if there are other inputs: a compiler may assign
    the same register to two operands with equal values.
    """
    shared = re.compile(r':\s*((?:\[\w+\] )?"\+[^&"][^:]*):\s*(?:\[\w+\] )?"')
    found = {
        f"{path.name}: {match[1]}"
        for path in KERNELS.rglob("*.h")
        for match in shared.finditer(path.read_text())
    }
    assert found == set()
