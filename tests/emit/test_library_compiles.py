"""The generated library with every compiler: no warnings, no external functions but memcpy and
the like, no float, no variables, constants in the right sections.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from native_compilers import NATIVE
from small_models import every_operator, small_classifier, write_library

from tinycomp.target.boards import Compiler, load_board
from tinycomp.target.toolchain import STRICT, Options, compile_objects

DIALECTS = {"c99": ("-std=c99", "-xc"), "c++11": ("-std=c++11", "-xc++")}
OUTSIDE = re.compile(
    r"mem(cpy|set|move)|memcpy_P|__aeabi_mem(cpy|set|move|clr)[48]?"
    r"|__aeabi_(lmul|llsl|llsr|lasr)|__u?mul[a-z]*i3|__(add|sub)di3|__cmpdi2|__(ashl|ashr|lshr)[sd]i3"
)
"""Functions that the inference may call: memory functions, and integer arithmetic of libgcc on
cores that lack it. Division is excluded, because not every core's libgcc has it.
"""
RISCV = Compiler(
    prefix="riscv64-unknown-elf-",
    packages=("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf"),
    flags=("--specs=picolibc.specs", "-march=rv32imc", "-mabi=ilp32"),
)
CORTEX_M0 = load_board("cortex-m4").compiler.model_copy(
    update={"flags": ("-mcpu=cortex-m0", "-mthumb", "-mfloat-abi=soft")}
)
TARGETS = {
    "host": load_board("host").compiler,
    "cortex-m4": load_board("cortex-m4").compiler,
    "cortex-m0": CORTEX_M0,
    "rv32imc": RISCV,
    "lx106": load_board("esp32").compiler,
    "atmega2560": load_board("mega").compiler,
    "atmega328p": load_board("uno").compiler,
}


def needs(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(every_operator(), tmp_path_factory.mktemp("every"))


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory, library: Path) -> dict[str, list[Path]]:
    """The library compiled for all targets with an installed compiler, at their optimization
    level.
    """
    harvard = write_library(every_operator(), tmp_path_factory.mktemp("avr"), harvard=True)
    build, compiled = tmp_path_factory.mktemp("objects"), {}
    for name, compiler in TARGETS.items():
        if shutil.which(f"{compiler.prefix}gcc") is not None:
            folder = harvard if name.startswith("atmega") else library
            sources = sorted(folder.glob("*.c"))
            options = Options((folder,), STRICT)
            compiled[name] = [*compile_objects(compiler, sources, build / name, options)]
    return compiled


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, objects: dict[str, list[Path]]) -> str:
    if request.param not in objects:
        pytest.skip(f"{TARGETS[request.param].prefix}gcc is not installed")
    return str(request.param)


def check(
    compiler: str, dialect: str, include: Path, *more: str | Path, text: str | None = None
) -> None:
    flags = [*DIALECTS[dialect], *STRICT, f"-I{include}"]
    done = subprocess.run(
        [compiler, *flags, *more], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("compiler", NATIVE)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("level", ["-O0", "-O3"])
def test_no_compiler_warns(
    compiler: str, dialect: str, level: str, library: Path, tmp_path: Path
) -> None:
    """Some warnings need the optimizer."""
    for source in sorted(library.glob("*.c")):
        check(compiler, dialect, library, level, "-c", source, "-o", tmp_path / f"{source.stem}.o")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_header_compiles_alone(dialect: str, library: Path) -> None:
    """Unused functions of a header are allowed there."""
    needs("gcc")
    headers = sorted(path.relative_to(library) for path in library.rglob("*.h"))
    assert len(headers) > 20
    for header in headers:
        unused = ["-Wno-unused-function"] if header.parts[0] == "tinycomp" else []
        text = f'#include "{header}"\n#include "{header}"\n'
        check("gcc", dialect, library, *unused, "-fsyntax-only", "-", text=text)


def test_the_header_is_self_contained(library: Path, tmp_path: Path) -> None:
    """The headers of two libraries in one file; only the public header is needed."""
    needs("g++")
    other = write_library(small_classifier(), tmp_path / "other", "other")
    text = '#include "other.h"\n#include "t.h"\nstatic t_arena_t a;\nother_arena_t b;\n'
    text += "int main() { return t_output(&a) == 0 || other_input(&b) == 0; }\n"
    check("g++", "c++11", library, f"-I{other}", "-fsyntax-only", "-", text=text)


def symbols(paths: list[Path]) -> tuple[set[str], set[str]]:
    """Defined and undefined global names."""
    defined, undefined = set(), set()
    for path in paths:
        with path.open("rb") as stream:
            table = ELFFile(stream).get_section_by_name(".symtab")
            for symbol in table.iter_symbols():
                if symbol["st_info"]["bind"] != "STB_LOCAL" and symbol.name:
                    there = symbol["st_shndx"] != "SHN_UNDEF"
                    (defined if there else undefined).add(symbol.name)
    return defined, undefined - defined


def test_only_memory_and_integer_functions_are_external(
    target: str, objects: dict[str, list[Path]]
) -> None:
    """So there is no malloc, stdio, floating point, or division."""
    _, undefined = symbols(objects[target])
    assert {name for name in undefined if not OUTSIDE.fullmatch(name)} == set()


def test_all_public_names_have_the_prefix(target: str, objects: dict[str, list[Path]]) -> None:
    defined, _ = symbols(objects[target])
    assert "t_invoke" in defined
    assert {name for name in defined if not name.startswith("t_")} == set()


def sections(paths: list[Path]) -> dict[str, tuple[int, bool]]:
    """Sizes of all loaded sections that are not empty, and whether a program may write them."""
    found: dict[str, tuple[int, bool]] = {}
    for path in paths:
        with path.open("rb") as stream:
            for section in ELFFile(stream).iter_sections():
                if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_size"]:
                    size = found.get(section.name, (0, False))[0] + section["sh_size"]
                    writable = bool(section["sh_flags"] & SH_FLAGS.SHF_WRITE)
                    found[section.name] = size, writable
    return found


def test_there_are_no_variables(target: str, objects: dict[str, list[Path]]) -> None:
    """Relocated constants are written only by a loader, before the program runs."""
    writable = {name for name, (_, may) in sections(objects[target]).items() if may}
    assert {name for name in writable if not name.startswith(".data.rel.ro")} == set()


@pytest.mark.parametrize("name", ["atmega2560", "atmega328p"])
def test_avr_constants_are_in_program_memory(name: str, objects: dict[str, list[Path]]) -> None:
    """.rodata would be copied to RAM."""
    if name not in objects:
        pytest.skip("avr-gcc is not installed")
    found = sections(objects[name])
    assert all(section.startswith((".text", ".progmem")) for section in found)
    data = sum(size for section, (size, _) in found.items() if section.startswith(".progmem"))
    assert data > 2000
