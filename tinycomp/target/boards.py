"""Boards: boards/*.toml as validated, frozen data.

A board file says everything that the build, the emulator and the projects need to know of a board;
no module of tinycomp knows a board's name.
"""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, create_model

from tinycomp.common import resources
from tinycomp.common.errors import BoardError
from tinycomp.common.toml_file import read_toml, shown
from tinycomp.target.project_tables._registry import project_tables
from tinycomp.target.section import Section

BAUD = 115_200
"""Bits a second of a serial line by default, as in firmware/harness/port.h."""
Bytes = Annotated[int, Field(ge=0)]


class Memory(Section):
    """What a program may use of the board. All in bytes."""

    flash: Bytes
    ram: Bytes
    reserved_flash: Bytes = 0
    """What startup, drivers and the board's core library take of the flash."""
    reserved_ram: Bytes = 0
    """What they and the callers' stack take of the RAM."""
    harvard: bool = False
    """Constants lie in program memory, which ordinary loads don't reach."""
    constants: Bytes | None = None
    """The most constants that can be addressed (AVR: near program memory), where that is less than
    the flash.
    """
    largest_array: Bytes | None = None
    """The largest single array that the compiler can make (AVR: 32767)."""


class Compiler(Section):
    """A GCC and how to call it."""

    prefix: str
    """Before gcc, g++, objcopy: "arm-none-eabi-"; empty for the host's."""
    packages: tuple[str, ...] = Field(min_length=1, strict=False)
    """The Debian packages that hold it."""
    flags: tuple[str, ...] = Field(default=(), strict=False)
    """For every compilation and link: the processor, the C library."""
    optimize: str = "-Os"
    runtime: tuple[str, ...] = Field(default=("-lc", "-lgcc"), strict=False)
    """Libraries whose functions count as code of the inference where the compiler calls them."""


class Emulator(Section):
    """How the board is emulated. The harness's console is the emulated UART on a
    pseudo-terminal.
    """

    program: str
    """One of QEMU's, or "simavr"."""
    packages: tuple[str, ...] = Field(min_length=1, strict=False)
    machine: str
    cpu: str | None = None
    args: tuple[str, ...] = Field(default=(), strict=False)
    tick_unit: Literal["instructions", "cycles"]
    """What the port's timer counts when it runs under this emulator."""


class Silicon(Section):
    """A real chip with the core that is emulated: what cycles are estimated for."""

    title: str
    core: Literal["cortex-m4"]
    """Whose published timings are taken."""
    clock: Annotated[int, Field(gt=0)]
    """In Hz."""
    flash_wait_states: Annotated[int, Field(ge=0)]
    """Cycles that a read of flash takes beyond the first, at that clock."""
    flash_read: Annotated[int, Field(gt=0)]
    """Bytes that one read of flash brings."""
    code_lines: Annotated[int, Field(gt=0, le=1024)] = 1
    """How many of the last reads for instructions are kept (a flash accelerator's cache)."""
    data_lines: Annotated[int, Field(gt=0, le=1024)] = 1
    """The same for constants."""
    prefetch: bool = False
    """Instructions behind those that run are read ahead, in no time."""


class Board(Section):
    """One board. Its name is the name of its file."""

    name: str
    title: str
    cpu: str
    kernels: str = "generic"
    """The folder under firmware/kernels whose inner loops it runs."""
    port: str
    """The folder under firmware/ports; folders around it hold what it shares with others."""
    project: str
    """The kind of project, a module of tinycomp/emit/projects."""
    baud: Annotated[int, Field(gt=0)] = BAUD
    """Bits a second of the serial line, in the firmware and on this computer."""
    memory: Memory
    compiler: Compiler
    emulator: Emulator | None = None
    silicon: Silicon | None = None

    @property
    def is_host(self) -> bool:
        """The program runs on this computer: no cross compiler, no emulator, sanitizers
        available.
        """
        return not self.compiler.prefix

    @property
    def settings(self) -> Section | None:
        """The table of its kind of project (tinycomp/target/project_tables), where it has one."""
        found = getattr(self, self.project, None)
        return found if isinstance(found, Section) else None


def list_boards() -> tuple[Board, ...]:
    """All boards that come with tinycomp, by name."""
    return tuple(load_board(path.stem) for path in sorted(resources.boards().glob("*.toml")))


def load_board(name: str) -> Board:
    """A board by name, or by the path of a board file of one's own (a name that ends in .toml).

    Raises:
        BoardError: no such board or file; a key that is unknown, missing or of the wrong type.
    """
    return _read(Path(name)) if name.endswith(".toml") else _known(name)


@cache
def _known(name: str) -> Board:
    names = sorted(path.stem for path in resources.boards().glob("*.toml"))
    if name in names:
        return _read(resources.boards() / f"{name}.toml")
    near = difflib.get_close_matches(name, names, n=1)
    raise BoardError(
        f"There is no board {name!r}.",
        expected=f"Known boards: {', '.join(names)}.",
        hint=f"Did you mean {near[0]!r}?"
        if near
        else "A board file of your own is named by its path: ./my.toml.",
    )


def _read(path: Path) -> Board:
    values = read_toml(path, f"Board file {path}", BoardError)
    if "name" in values:
        raise BoardError(
            f"Board file {path}: key 'name' is not allowed.",
            hint="A board is named as its file is: rename the file.",
        )
    try:
        board = _board_model()(name=path.stem, **values)
    except ValidationError as error:
        raise BoardError(f"Board file {path}: {_first_problem(error)}") from error
    return _consistent(board, path)


@cache
def _board_model() -> type[Board]:
    """Board with the tables of all kinds of projects, so that their keys are checked as its own."""
    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in project_tables().items()}
    return create_model("Board", __base__=Board, **fields)


def _first_problem(error: ValidationError) -> str:
    """The first problem of a validation, by its key; a key that is not known explains others."""
    problems = error.errors(include_url=False)
    problem = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"key {key!r} is not known. {_known_keys(key)}"
    if problem["type"] == "missing":
        return f"key {key!r} is missing."
    return f"key {key!r}: {problem['msg']}, but it is {shown(problem['input'])}."


def _known_keys(key: str) -> str:
    section: type[Section] = _board_model()
    *tables, last = key.split(".")
    for table in tables:
        section = _SECTIONS.get(table) or project_tables()[table]
    names = [name for name in section.model_fields if not (not tables and name == "name")]
    near = difflib.get_close_matches(last, names, n=1)
    return f"Known here: {', '.join(names)}." + (f" Did you mean {near[0]!r}?" if near else "")


_SECTIONS: dict[str, type[Section]] = {
    "memory": Memory,
    "compiler": Compiler,
    "emulator": Emulator,
    "silicon": Silicon,
}


def _consistent(board: Board, path: Path) -> Board:
    """What the types can't say: the project's table and the folders that the file names exist."""
    counted = board.emulator is not None and board.emulator.tick_unit == "instructions"
    if board.silicon is not None and not counted:
        raise BoardError(
            f"Board file {path}: a table [silicon] needs an emulator that counts instructions.",
            hint="Leave the table out: where cycles are counted, none need to be estimated.",
        )
    kernels = [path.name for path in (resources.firmware() / "kernels").iterdir() if path.is_dir()]
    for key, folder, known in (
        ("kernels", "firmware/kernels", sorted(kernels)),
        ("port", "firmware/ports", resources.ports()),
        ("project", "templates/projects", resources.project_kinds()),
    ):
        name = getattr(board, key)
        if name not in known:
            raise BoardError(
                f"Board file {path}: {key} = {name!r}, but {folder} has no such folder.",
                expected=f"There are: {', '.join(known)}.",
            )
    if board.project in project_tables() and board.settings is None:
        raise BoardError(
            f"Board file {path}: project = {board.project!r} needs a table [{board.project}]."
        )
    return board
