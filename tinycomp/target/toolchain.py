"""Calls compilers and linkers. Only this module and device/ start other programs.

Objects are stored in a build folder by the hash of their inputs, so that nothing is compiled
twice.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tinycomp.common.errors import OverflowingError, ToolError
from tinycomp.common.installing import install_hint
from tinycomp.target.boards import Compiler
from tinycomp.target.sizes import Sizes, assembly_stack, deepest_stack, section_sizes

OBJECTS = "TINYCOMP_OBJECTS"
"""The environment variable with a folder for caching objects: the same text with the same compiler
and flags is not compiled again.
"""
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
"""Warnings with which the generated library must compile."""
SANITIZE = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-g1", "-O1")
"""For compiling and linking on the host; -O1 takes two thirds of the compile time of -O2, and -g1,
lines alone, two thirds of that of -g.
"""

_JOBS = 2
_SHOWN_LINES = 5
_OVERFLOW = re.compile(r"region `?\S+ overflowed|is not within region|will not fit in region")
"""Linker messages for a program that does not fit the memory."""
_CALL_GRAPHS_SINCE = 10
"""GCC's major version."""


@dataclass(frozen=True)
class Dialect:
    """Flags for one language, added to those for both."""

    c: tuple[str, ...] = ("-std=c99",)
    """For C."""
    cpp: tuple[str, ...] = ("-std=c++11",)
    """For C++."""


@dataclass(frozen=True)
class Options:
    """Options in addition to those of the board's compiler."""

    include: tuple[Path, ...] = ()
    """Folders of headers."""
    flags: tuple[str, ...] = ()
    """Further flags."""
    dialect: Dialect = Dialect()
    """The language standard."""


def is_available(compiler: Compiler) -> bool:
    """Whether the compiler is installed."""
    return shutil.which(f"{compiler.prefix}gcc") is not None


def compiles(compiler: Compiler, source: Path) -> bool:
    """Whether the compiler is installed and finds all headers that a source includes."""
    try:
        run_tool([f"{compiler.prefix}gcc", "-fsyntax-only", source], compiler.packages)
    except ToolError:
        return False
    return True


def run_tool(
    command: Sequence[str | Path], packages: Sequence[str], folder: Path | None = None
) -> str:
    """Run a program; return its standard output.

    Raises:
        ToolError: not installed (names the packages that hold it), or failed (shows its first
        lines of error).
    """
    program = str(command[0])
    try:
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True, encoding="utf-8", errors="replace", check=False,
            cwd=folder, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ToolError(
            f"{program} is not installed.",
            hint=install_hint(packages),
        ) from error
    if done.returncode != 0:
        shown = _first_errors(done.stderr or done.stdout)
        raise ToolError(
            f"{program} failed (exit code {done.returncode}):\n{shown}",
            hint=_without_library(shown),
        )
    return done.stdout


def _without_library(errors: str) -> str:
    """What to try if a compiler was installed or called without a C library."""
    if not re.search(r"fatal error: (stdint|stddef|stdbool|string)\.h: No such file", errors):
        return ""
    return (
        "\nThe compiler finds no C library: install one for it, and select it in 'compiler.flags' "
        'of the board file ("--specs=picolibc.specs", "--specs=nano.specs").'
    )


def _first_errors(text: str) -> str:
    """The lines with errors of a compiler or linker; all lines if there are none."""
    lines = [line for line in text.strip().splitlines() if not line.startswith("collect2:")]
    errors = [line for line in lines if re.search(r"\berror: |undefined reference|/ld: ", line)]
    errors = [line for line in errors if "in function" not in line and "warning" not in line]
    return "\n".join((errors or lines)[:_SHOWN_LINES])


def compile_objects(
    compiler: Compiler, sources: Sequence[Path], build: Path, options: Options | None = None
) -> tuple[Path, ...]:
    """Compile C (.c), C++ (.cpp, .ino) and assembler (.S) files, two at a time; return the objects
    in the order of the sources.

    Each object has its call graph (.ci) beside it, if the compiler writes one.

    Raises:
        ToolError: the compiler is missing, or refuses a file.
    """
    build.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_JOBS) as pool:
        return tuple(
            pool.map(
                lambda source: _compile(compiler, source, build, options or Options()), sources
            )
        )


def _compile(compiler: Compiler, source: Path, build: Path, options: Options) -> Path:
    command = _compile_command(compiler, source, options)
    text = run_tool([*command, "-E", "-P", source], compiler.packages)
    version = gcc_version(compiler)
    flags = [part for part in command if not part.startswith("-I")]
    key = hashlib.sha256("\0".join((version, *flags, text)).encode()).hexdigest()[:16]
    target = build / f"{source.stem}-{key}.o"
    kept = Path(os.environ[OBJECTS]) / target.name if OBJECTS in os.environ else None
    if not target.exists() and not (kept and _take(kept, target)):
        graphs = ["-fcallgraph-info=su"] if _has_call_graphs(version) else []
        fresh = build / f"{target.stem}.{os.getpid()}.o"
        run_tool([*command, *graphs, "-c", source, "-o", fresh], compiler.packages)
        if fresh.with_suffix(".ci").exists():
            fresh.with_suffix(".ci").replace(target.with_suffix(".ci"))
        fresh.replace(target)  # last: an existing object is complete
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            _take(target, kept)
    return target


def _take(source: Path, target: Path) -> bool:
    """Copy an object and its call graph, the object last; returns whether it existed."""
    if not source.exists():
        return False
    for suffix in (".ci", ".o"):
        if source.with_suffix(suffix).exists():
            fresh = target.with_suffix(f".{os.getpid()}.{threading.get_ident()}{suffix}")
            shutil.copyfile(source.with_suffix(suffix), fresh)
            fresh.replace(target.with_suffix(suffix))
    return True


def _compile_command(compiler: Compiler, source: Path, options: Options) -> list[str]:
    plus = source.suffix in (".cpp", ".ino")
    language = ["-x", "c++", "-include", "Arduino.h"] if source.suffix == ".ino" else []
    dialects = {".c": options.dialect.c, ".S": ()}
    return [
        f"{compiler.prefix}{'g++' if plus else 'gcc'}",
        compiler.optimize, "-ffunction-sections", "-fdata-sections",
        *compiler.flags, *dialects.get(source.suffix, options.dialect.cpp), *options.flags,
        *(f"-I{folder}" for folder in options.include), *language,
    ]  # fmt: skip


def gcc_version(compiler: Compiler) -> str:
    """The compiler's name and version in one line: "arm-none-eabi-gcc 12.2.1".

    Raises:
        ToolError: the compiler is missing.
    """
    return _gcc_version(f"{compiler.prefix}gcc", compiler.packages)


@cache
def _gcc_version(program: str, packages: tuple[str, ...]) -> str:
    return (
        f"{program} {run_tool([program, '-dumpfullversion', '-dumpversion'], packages).split()[0]}"
    )


def _has_call_graphs(version: str) -> bool:
    return int(version.split()[-1].split(".")[0]) >= _CALL_GRAPHS_SINCE


def link(
    compiler: Compiler,
    inputs: Sequence[Path],
    output: Path,
    flags: Sequence[str] = (),
    *,
    plus: bool = False,
) -> Path:
    """Link objects and archives to a program, without unused sections. plus: with g++.

    Raises:
        OverflowingError: the program is larger than the memory.
        ToolError: the compiler is missing, or the program can't be linked (a symbol is missing).
    """
    driver = f"{compiler.prefix}{'g++' if plus else 'gcc'}"
    options = [compiler.optimize, *compiler.flags, "-Wl,--gc-sections"]
    try:
        run_tool([driver, *options, *inputs, "-o", output, *flags], compiler.packages)
    except ToolError as error:
        if _OVERFLOW.search(error.what):
            raise OverflowingError(error.what) from error
        raise
    return output


def archive(compiler: Compiler, objects: Sequence[Path], output: Path) -> Path:
    """Create an archive of objects, so that the linker takes only what is used.

    Raises:
        ToolError: the archiver is missing or fails.
    """
    output.unlink(missing_ok=True)
    run_tool([f"{compiler.prefix}gcc-ar", "rcs", output, *objects], compiler.packages)
    return output


def inference_sizes(compiler: Compiler, objects: Sequence[Path], root: str, build: Path) -> Sizes:
    """Sizes of the parts of the objects, and of the compiler's runtime, that `root`
    (<prefix>_invoke) needs.

    A relocatable link keeps the sections separate and needs no memory map, so it works in the same
    way for every core.

    Raises:
        ToolError: the compiler is missing, or the objects can't be linked.
    """
    whole = build / f"{root}-{os.getpid()}.whole.o"
    rooted = ("-r", "-nostdlib", f"-Wl,-e,{root}", f"-Wl,-u,{root}", *compiler.runtime)
    try:
        return section_sizes(link(compiler, objects, whole, rooted))
    finally:
        whole.unlink(missing_ok=True)


def inference_stack(objects: Sequence[Path], root: str) -> int | None:
    """Maximum stack of a call of `root` in bytes; None if the compiler does not provide enough
    information.
    """
    graphs = [path.with_suffix(".ci") for path in objects]
    if not all(graph.exists() for graph in graphs):
        return None
    return deepest_stack(graphs, root, assembly_stack(objects))
