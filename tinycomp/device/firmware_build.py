"""Firmware images: a generated library compiled with the harness, for this computer (with
sanitizers) or for a board.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from tinycomp.common import resources
from tinycomp.common.installing import install_command
from tinycomp.device.emulator import NO_TERMINALS, front_end, has_terminals
from tinycomp.emit.headers import LIBRARY_FOLDER
from tinycomp.emit.library import harness_model
from tinycomp.emit.project import kind_of
from tinycomp.target.boards import Board, Emulator, load_board
from tinycomp.target.ports import link_flags
from tinycomp.target.sizes import Sizes
from tinycomp.target.toolchain import (
    SANITIZE,
    STRICT,
    Options,
    compile_objects,
    compiles,
    inference_sizes,
    inference_stack,
    is_available,
    link,
)

HOST_RUNNER = "host_runner.c"
_HOST_RUNNER_SOURCES = (HOST_RUNNER, "crc32.c")


@dataclass(frozen=True)
class Measured:
    """The inference library alone, compiled for a board."""

    sizes: Sizes
    """Its bytes in flash and RAM."""
    stack: int | None
    """Maximum stack depth in bytes, if the compiler can tell."""


@dataclass(frozen=True)
class FirmwareBuild:
    """Compiles a generated library."""

    board: Board
    """The target board."""
    library: Path
    """The library's folder."""
    prefix: str
    """Prefix of its C names."""
    build: Path
    """A folder for objects; unchanged sources are not compiled again."""
    benchmark: str | None = None
    """The benchmark of MLPerf Tiny that the harness reports; None: by the prefix."""

    def measure(self) -> Measured:
        """Sizes and stack of the inference alone, compiled by the board's compiler.

        Raises:
            ToolError: the board's compiler is missing or fails.
        """
        compiler, root = self.board.compiler, f"{self.prefix}_invoke"
        objects = self._compile(self.board, self._library(), Options((self.library,), STRICT))
        sizes = inference_sizes(compiler, objects, root, self.build)
        return Measured(sizes, inference_stack(objects, root))

    def host_runner(self) -> Path:
        """A program for this computer that runs samples through the library, with sanitizers.

        Raises:
            ToolError: no compiler, or the library does not compile under STRICT.
        """
        host, harness = load_board("host"), resources.firmware() / "harness"
        sources = [
            *self._library(),
            *(harness / name for name in _HOST_RUNNER_SOURCES),
            self._model(),
        ]
        options = Options((harness, self.library, self._headers), (*STRICT, *SANITIZE))
        objects = self._compile(host, sources, options)
        return link(host.compiler, objects, self.build / f"{self.prefix}-host", (*SANITIZE, "-lm"))

    def board_program(self) -> Path:
        """The serial program: the library with the harness and the board's port.

        Raises:
            ToolError: the board's compiler is missing or fails.
            BoardError: the library is in a project of another kind than the board's.
        """
        kind = kind_of(self.board)
        depth = len(Path(kind.paths(self.prefix).library).parts)
        program = kind.build(self.board, self.library.parents[depth - 1], self.prefix, self.build)
        if program is not None:
            return program
        harness, port = resources.firmware() / "harness", self.board.port
        folders = resources.port_folders(port)
        sources = [*self._library(), self._model()]
        sources += [path for path in resources.port_files(port) if path.suffix == ".c"]
        sources += [path for path in sorted(harness.glob("*.c")) if path.name != HOST_RUNNER]
        baud = f"-DTC_BAUD={self.board.baud}"
        options = Options((harness, *folders, self.library, self._headers), (baud,))
        objects = self._compile(self.board, sources, options)
        program = self.build / f"{self.prefix}.elf"
        return link(self.board.compiler, objects, program, link_flags(port, folders))

    @property
    def _headers(self) -> Path:
        return self.library / LIBRARY_FOLDER

    def _library(self) -> list[Path]:
        return sorted(self.library.glob("*.c"))

    def _model(self) -> Path:
        """The path of tc_model.c, which describes the library to the harness."""
        self.build.mkdir(parents=True, exist_ok=True)
        path = self.build / "tc_model.c"
        text = harness_model(self.prefix, self.benchmark)
        path.write_text(text, encoding="utf-8", newline="\n")
        return path

    def _compile(self, board: Board, sources: Sequence[Path], options: Options) -> Sequence[Path]:
        return compile_objects(board.compiler, sources, self.build, options)


def host_available() -> bool:
    """Whether this computer has a C compiler."""
    return is_available(load_board("host").compiler)


def emulated_board(board: Board) -> Board:
    """The board to emulate: a board's stand-in, compiled at the board's own optimization level, or
    the board itself.
    """
    if board.stand_in is None:
        return board
    other = load_board(board.stand_in)
    optimize = {"optimize": board.compiler.optimize}
    return other.model_copy(update={"compiler": other.compiler.model_copy(update=optimize)})


def missing(board: Board) -> str | None:
    """Why programs for the board can't be compiled and emulated here; None if they can."""
    if board.emulator is None:
        return "it has no emulator: give the serial port of a real one with --port."
    if not has_terminals():
        return f"this system has no pseudo-terminals. {NO_TERMINALS}"
    if not is_available(board.compiler):
        return _absent(f"{board.compiler.prefix}gcc", board.compiler.packages)
    if tool := kind_of(board).missing(board):
        return _absent(tool, board.compiler.packages)
    if not _has_emulator(board.emulator):
        return _absent(board.emulator.program, board.emulator.packages)
    return None


def state_of(board: Board) -> str:
    """Short description of what can be done with a board on this computer."""
    if board.is_host:
        return "runs here" if host_available() else "no gcc here"
    if board.emulator is not None and missing(board) is None:
        return "emulated here"
    if board.stand_in is not None and missing(emulated_board(board)) is None:
        return f"stand-in {board.stand_in}"
    return "compiled here" if is_available(board.compiler) else "described only"


def _has_emulator(emulator: Emulator) -> bool:
    source = front_end(emulator)
    if source is None:
        return which(emulator.program) is not None
    return compiles(load_board("host").compiler, source)


def _absent(program: str, packages: Sequence[str]) -> str:
    return f"{program} is missing ({install_command(packages)})."
