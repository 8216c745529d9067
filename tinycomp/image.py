"""Images: a generated library compiled with the harness, for this computer (sanitized) or for a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycomp import emit, resources
from tinycomp.boards import Board, load_board
from tinycomp.project import link_flags
from tinycomp.sizes import Sizes
from tinycomp.toolchain import (
    SANITIZE, STRICT, Options, compile_objects, inference_sizes, inference_stack, is_available, link,
)  # fmt: skip

HOST_RUNNER = "host_runner.c"
_HOST_RUNNER_SOURCES = (HOST_RUNNER, "crc32.c")


@dataclass(frozen=True)
class Measured:
    """The inference library alone, compiled for a board: sizes in flash, and its stack where the compiler can tell."""

    sizes: Sizes
    stack: int | None


def host_available() -> bool:
    """Whether this computer has a C compiler."""
    return is_available(load_board("host").compiler)


def host_runner(library: Path, prefix: str, build: Path) -> Path:
    """Compile a library for this computer under the sanitizers, with the program that runs samples through it.

    Args:
        library: the folder of the generated library.
        prefix: its prefix.
        build: a folder for objects; used again, nothing is compiled twice.

    Raises:
        ToolError: no compiler, or the library does not compile under STRICT.
    """
    compiler = load_board("host").compiler
    harness = resources.firmware() / "harness"
    options = Options(include=(library, harness, library / emit.LIBRARY_FOLDER), flags=(*STRICT, *SANITIZE))
    sources = [*_library_sources(library), *(harness / name for name in _HOST_RUNNER_SOURCES)]
    sources.append(_harness_model(prefix, build))
    objects = compile_objects(compiler, sources, build, options)
    return link(compiler, objects, build / f"{prefix}-host", (*SANITIZE, "-lm"))


def board_program(board: Board, library: Path, prefix: str, build: Path) -> Path:
    """Compile a library with the harness and the board's port to a program that speaks the serial protocol.

    Raises:
        ToolError: the board's compiler is missing or fails.
    """
    harness, port = resources.firmware() / "harness", resources.firmware() / "ports" / board.port
    options = Options(include=(library, harness, port, library / emit.LIBRARY_FOLDER))
    sources = [*_library_sources(library), _harness_model(prefix, build)]
    sources += [path for path in sorted(harness.glob("*.c")) if path.name != HOST_RUNNER]
    sources += sorted(port.glob("*.c"))
    objects = compile_objects(board.compiler, sources, build, options)
    return link(board.compiler, objects, build / f"{prefix}.elf", link_flags(port, port))


def measure(board: Board, library: Path, prefix: str, build: Path) -> Measured:
    """Sizes and stack of the inference alone, as the board's compiler makes it.

    Raises:
        ToolError: the board's compiler is missing or fails.
    """
    options = Options(include=(library,), flags=STRICT)
    objects = compile_objects(board.compiler, _library_sources(library), build, options)
    root = f"{prefix}_invoke"
    return Measured(
        inference_sizes(board.compiler, objects, root, build), inference_stack(objects, root)
    )


def _library_sources(library: Path) -> Sequence[Path]:
    return sorted(library.glob("*.c"))


def _harness_model(prefix: str, build: Path) -> Path:
    """tc_model.c, which tells the harness of the library."""
    build.mkdir(parents=True, exist_ok=True)
    path = build / "tc_model.c"
    path.write_text(emit.harness_model(prefix), encoding="utf-8")
    return path
