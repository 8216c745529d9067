"""Every kernel of an instruction set, compiled by every installed compiler with random flags,
equals the simulator on the emulated core.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from core_cases import FAMILIES
from core_program import (
    MAIN,
    KernelCase,
    available,
    differences,
    lowered,
    port_folders,
    port_sources,
    write_program,
)
from native_compilers import CLANGS

from tinycomp.target.boards import Board, load_board
from tinycomp.target.ports import link_flags
from tinycomp.target.toolchain import STRICT

CORES = {
    "cortex-m4": "armv7e_m",
    "cortex-m7": "armv7e_m",
    "cortex-m55": "armv8_1m_mve",
    "cortex-m0": "scalar",
    "rv32imc": "scalar",
    "lx6": "lx6",
}
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Ofast", "-Os", "-Oz", "-Og")
DIALECTS = {
    "c": ("c99", "c11", "gnu17", "c2x"),
    "c++": ("c++11", "c++14", "c++17", "gnu++2a"),
}
OPTIONS = (
    ("-fno-omit-frame-pointer",),
    ("-fpic",),
    ("-fpic", "-msingle-pic-base"),
    ("-fshort-enums",),
    ("-funsigned-char",),
    ("-fsanitize=undefined",),
    ("-flto",),
    ("-fno-builtin",),
    ("-fno-strict-aliasing", "-fwrapv"),
    ("-DTC_NO_ASM",),
    ("-DTC_SMALL=1",),
    ("-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    ("-g",),
)
QUICK = 3
"""Number of cases of each family that the quick sample chooses from."""


@dataclass(frozen=True)
class Build:
    """A compiler with flags for a core."""

    core: str
    compiler: str
    """A clang, or "gcc": the board's own."""
    level: str
    language: str = "c"
    dialect: str = "c99"
    options: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return " ".join((self.core, self.compiler, self.level, self.dialect, *self.options))


def compilers(core: str) -> list[str]:
    """Installed compilers that support the core: clang has no Xtensa."""
    return ["gcc", *(CLANGS if core != "lx6" else ())]


def _fits(build: Build, options: tuple[str, ...]) -> bool:
    """Whether the compiler supports these options for this core."""
    clang = build.compiler != "gcc"
    if "-mfloat-abi=hard" in options:
        return build.core == "cortex-m4"
    if "-msingle-pic-base" in options:
        return not clang and build.core.startswith("cortex")
    if "-g" in options and build.core == "rv32imc":
        return not clang  # GNU ld 2.40 crashes on its debug sections
    return not (clang and "-flto" in options)  # its objects need its own linker


def _level(build: Build) -> str:
    """GCC supports -Oz from version 12; clang 19 deprecates -Ofast."""
    if build.level == "-Ofast" and build.compiler != "gcc":
        return "-O3"
    return build.level


def sampled(count: int, seed: int) -> Iterator[Build]:
    """Random builds for all compilers and cores."""
    draw = random.Random(seed)
    for core in CORES:
        for compiler in compilers(core):
            for _ in range(count):
                language = draw.choice(("c", "c", "c++"))
                dialect = draw.choice(DIALECTS[language])
                build = Build(core, compiler, draw.choice(LEVELS), language, dialect)
                chosen = draw.sample([o for o in OPTIONS if _fits(build, o)], draw.randint(0, 3))
                flags = tuple(dict.fromkeys(flag for options in chosen for flag in options))
                yield Build(core, compiler, build.level, language, dialect, flags)


@cache
def _cases(kernels: str, count: int | None) -> tuple[KernelCase, ...]:
    """One case for each kernel."""
    families = [family() if count is None else family(count) for family in FAMILIES.values()]
    found: dict[str, KernelCase] = {}
    for family in families:
        for case in lowered(family, kernels):
            found.setdefault(case.kernel, case)
    return tuple(found.values())


def _core_flags(build: Build, board: Board) -> list[str]:
    """The board's flags, except for a random float ABI, which also selects the libraries."""
    drawn = [option for option in build.options if option.startswith(("-mfloat", "-mfpu"))]
    kept = [flag for flag in board.compiler.flags if not (drawn and flag.startswith("-mfloat"))]
    return [*kept, *drawn]


def _target(build: Build, board: Board) -> list[str]:
    """Options for clang: the target, and the headers of the board's C library."""
    if build.compiler == "gcc":
        return [f"{board.compiler.prefix}gcc", *_core_flags(build, board)]
    arm = build.core.startswith("cortex")
    triple = "arm-none-eabi" if arm else "riscv32-unknown-elf"
    flags = [flag for flag in _core_flags(build, board) if not flag.startswith("--specs")]
    search = ["-E", "-v", "-x", "c", "/dev/null"]
    gcc = [f"{board.compiler.prefix}gcc", *board.compiler.flags]
    said = subprocess.run([*gcc, *search], capture_output=True, text=True, check=True).stderr
    folders = re.findall(r"^ (\S+)$", said.partition("#include <...>")[2], re.MULTILINE)
    found = [Path(folder).resolve() for folder in folders]
    system = [f"-isystem{folder}" for folder in found if "gcc" not in folder.parts]
    return [build.compiler, f"--target={triple}", *flags, *system]


def _sanitizing(build: Build) -> list[str]:
    """Traps, which need no runtime library on the core."""
    if "-fsanitize=undefined" not in build.options:
        return []
    gcc = build.compiler == "gcc"
    trap = "-fsanitize-undefined-trap-on-error" if gcc else "-fsanitize-trap=undefined"
    return ["-fsanitize=undefined", trap]


def _run(command: list[str | Path]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    if "-o" not in command or "-c" in command:
        assert done.stderr == ""


def check(build: Build, cases: tuple[KernelCase, ...], folder: Path) -> None:
    """Compile without a warning, link, and run."""
    board = load_board(build.core)
    if not available(board):
        pytest.skip(f"{board.compiler.prefix}gcc or the emulator of {board.name} is missing")
    include = write_program(cases, board, CORES[build.core], folder)
    gcc: list[str | Path] = [f"{board.compiler.prefix}gcc", *_core_flags(build, board)]
    # whole programs are compiled when they are linked, so sanitizing is said again
    lto = "-flto" in build.options
    at_link = ["-flto", *_sanitizing(build)] if lto else []
    search = [f"-I{path}" for path in include]
    kernels = folder / "kernels.o"
    # constants of cases are of any length, and C++ has no empty initializers to leave out
    warnings = [*STRICT, "-Wno-overlength-strings", "-Wno-unused-function"]
    bare = ["-fno-exceptions", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]
    _run(
        [
            *_target(build, board), _level(build), "-x", build.language, f"-std={build.dialect}",
            *warnings, *bare, *build.options, *_sanitizing(build), *search,
            "-c", MAIN, "-o", kernels,
        ]
    )  # fmt: skip
    objects = []
    for source in port_sources(board):
        objects.append(folder / f"{source.stem}.o")
        _run([*gcc, "-O2", *search, "-c", source, "-o", objects[-1]])
    program = folder / "program"
    flags = link_flags(board.port, port_folders(board))
    _run([*gcc, *at_link, "-O2", "-Wl,--gc-sections", kernels, *objects, "-o", program, *flags])
    assert differences(board, program) == []


@pytest.mark.parametrize(
    "build",
    [
        *(Build(core, compilers(core)[-1], "-O2") for core in CORES if core != "cortex-m7"),
        Build("cortex-m4", "gcc", "-O1", options=("-fno-omit-frame-pointer", "-fpic")),
        Build("lx6", "gcc", "-O0", options=("-fno-omit-frame-pointer",)),
    ],
    ids=str,
)
def test_kernels_do_not_depend_on_the_compiler(build: Build, tmp_path: Path) -> None:
    """The newest installed clang, and GCC with flags that used to break inline assembly."""
    check(build, _cases(CORES[build.core], QUICK), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("build", tuple(sampled(6, seed=9)), ids=str)
def test_kernels_equal_the_simulator_under_any_flags(build: Build, tmp_path: Path) -> None:
    check(build, _cases(CORES[build.core], None), tmp_path)
