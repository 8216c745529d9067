"""Builds what lies in a project's folder: the library alone, to measure it, and the program behind
the serial line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinycomp import arduino, toolchain
from tinycomp.boards import Board
from tinycomp.errors import ToolError
from tinycomp.project import link_flags, places
from tinycomp.sizes import Sizes
from tinycomp.toolchain import Options


@dataclass(frozen=True)
class Measured:
    """The inference library alone: sizes in bytes, deepest stack in bytes where the compiler tells
    it, compiler.
    """

    sizes: Sizes
    stack: int | None
    compiler: str


def measure_library(board: Board, folder: Path, prefix: str, build: Path) -> Measured:
    """Compile the library of a project strictly, and measure what one inference needs of it.

    Args:
        board: the board that the project was laid out for.
        folder: the project's folder.
        prefix: of the library's C names.
        build: where objects are left.

    Raises:
        ToolError: the compiler is missing, or refuses the library.
    """
    library = folder / places(board, prefix).library
    options = Options(include=(library,), flags=toolchain.STRICT)
    objects = toolchain.compile_objects(board.compiler, sorted(library.glob("*.c")), build, options)
    root = f"{prefix}_invoke"
    return Measured(
        toolchain.inference_sizes(board.compiler, objects, root, build),
        toolchain.inference_stack(objects, root),
        toolchain.gcc_version(board.compiler),
    )


def build_program(
    board: Board, folder: Path, prefix: str, build: Path, flags: tuple[str, ...] = ()
) -> Path:
    """Build the program that serves the model over the board's serial line (ELF).

    Args:
        board: the board that the project was laid out for.
        folder: the project's folder.
        prefix: of the library's C names.
        build: where objects and the program are left.
        flags: further flags for compiling and linking (toolchain.SANITIZE).

    Raises:
        ToolError: the compiler is missing or fails, or only the board's own tools can build the
        project.
    """
    if board.project == "arduino":
        return arduino.build_sketch(board, folder, folder / "examples" / "serial", build)
    if board.project == "platformio":
        raise ToolError(
            f"The program of board {board.name} is built by PlatformIO.",
            hint=f"In {folder}: pio run --environment serial --target upload; then use --port.",
        )
    where = places(board, prefix)
    folders = tuple(folder / name for name in (where.library, where.harness, where.port))
    options = Options(include=folders, flags=flags)
    sources = [path for inner in folders for path in sorted(inner.glob("*.c"))]
    objects = toolchain.compile_objects(board.compiler, sources, build, options)
    linking = (*flags, *link_flags(folder / where.port, folder / where.port))
    return toolchain.link(board.compiler, objects, build / f"{prefix}.elf", linking)
