"""MAC16 kernels use the options in a core's configuration, and are placed in the given section.

The configuration is a header of each core's compiler; here it is replaced by a small one.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinycomp.common import resources

GCC = "xtensa-lx106-elf-gcc"
KERNELS = resources.firmware() / "kernels"
HEADERS = sorted((KERNELS / "lx6").glob("*_mac16.h"))
OPTIONS = ("MAC16", "LOOPS", "MINMAX", "MUL32", "MUL32_HIGH", "DENSITY")
CORES = {
    "esp32": ((), "products and high words"),
    "esp32s2": (("MAC16", "LOOPS"), "neither"),
    "no high words": (("MUL32_HIGH",), "products"),
}
"""Options that the core lacks, and instructions that kernels use on it."""
TAKEN = """#include "mac16.h"
#if TC_MAC16 && TC_MULSH
products and high words
#elif TC_MAC16
products
#else
neither
#endif
"""
SECTION = ".iram1.tinycomp"

pytestmark = pytest.mark.skipif(shutil.which(GCC) is None, reason=f"{GCC} is not installed")


def configured(core: str, folder: Path) -> list[str]:
    """The compiler command, with a configuration header for the core."""
    lacks = CORES[core][0]
    header = folder / "xtensa" / "config" / "core-isa.h"
    header.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"#define XCHAL_HAVE_{name} {int(name not in lacks)}" for name in OPTIONS]
    header.write_text("\n".join([*lines, ""]))
    kernels = [f"-I{KERNELS / name}" for name in ("lx6", "scalar", ".", "generic")]
    return [GCC, "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{folder}", *kernels]


def compiled(command: list[str], folder: Path) -> Path:
    """An object with all headers, in which no function is discarded."""
    source, target = folder / "all.c", folder / "all.o"
    source.write_text("".join(f'#include "{path.name}"\n' for path in HEADERS))
    unused = ("-Wno-unused-function", "-fkeep-static-functions")
    subprocess.run([*command, *unused, "-c", source, "-o", target], check=True)
    return target


@pytest.mark.parametrize("core", CORES)
def test_instructions_are_those_of_the_core(core: str, tmp_path: Path) -> None:
    command, source = configured(core, tmp_path), tmp_path / "macros.c"
    source.write_text(TAKEN)
    done = subprocess.run(
        [*command, "-E", "-P", source], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == CORES[core][1]


@pytest.mark.parametrize("core", CORES)
def test_kernels_compile_for_the_core(core: str, tmp_path: Path) -> None:
    assert compiled(configured(core, tmp_path), tmp_path).is_file()


def test_hot_functions_are_placed_in_the_given_section(tmp_path: Path) -> None:
    hot = f'-DTC_HOT=__attribute__((section("{SECTION}")))'
    target = compiled([*configured("esp32", tmp_path), hot], tmp_path)
    symbols = subprocess.run(
        ["xtensa-lx106-elf-objdump", "-t", target], check=True, capture_output=True, text=True
    ).stdout
    placed = {line.split()[-1] for line in symbols.splitlines() if SECTION + "\t" in line}
    assert {"tc_gemm_mac16", "tc_dense_mac16", "tc_depthwise_3x3_mac16_low"} <= placed
