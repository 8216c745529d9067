"""Boards: boards/*.toml as validated, frozen data.

A board file says everything that the build, the emulator and the projects need to know of a board;
no module of tinycomp knows a board's name.
"""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, create_model

from tinycomp.common import resources
from tinycomp.common.errors import BoardError
from tinycomp.common.toml_file import shown
from tinycomp.target.board_files import board_names, find_board, read_board
from tinycomp.target.flash_tools._registry import flash_tools
from tinycomp.target.flash_tools._tool import FlashTool
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


class Pace(Section):
    """How many cycles the core takes for each instruction that an emulator counts (for each cycle
    that it counts of another core): what milliseconds are estimated with.
    """

    least: Annotated[float, Field(gt=0)]
    most: Annotated[float, Field(gt=0)]
    why: str
    """Where both numbers come from, to follow a colon."""


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


UsbId = Annotated[str, Field(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]
"""Vendor and product of a USB device, hexadecimal: "2341:0043"."""


class Usb(Section):
    """What the board is on USB."""

    ids: tuple[UsbId, ...] = Field(min_length=1, strict=False)
    """Of its serial port while its program runs."""
    bootloader: tuple[UsbId, ...] = Field(default=(), strict=False)
    """Of its serial port while its bootloader runs, where that is another."""


class Flash(Section):
    """How the board is flashed. The settings of each tool are a table of its own below this one."""

    tools: tuple[str, ...] = Field(min_length=1, strict=False)
    """Modules of tinycomp/target/flash_tools; the first that is installed is used."""
    address: Bytes = 0
    """Where the program's part of the flash begins in the chip's address space."""
    touch: bool = False
    """Opening the serial port at 1200 baud starts the bootloader."""
    advice: str | None = None
    """What must be done by hand before, as a sentence."""
    uf2_family: int | None = None
    """The chip's number in UF2 files."""

    def tool(self, name: str) -> FlashTool:
        """The settings of one of the tools."""
        found = getattr(self, name, None)
        return found if isinstance(found, FlashTool) else flash_tools()[name]()


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
    clock: Annotated[int, Field(gt=0)] | None = None
    """In Hz, as the board's own software sets it."""
    based_on: str | None = None
    """The board that this one has its other keys from."""
    stand_in: str | None = None
    """The emulated board of its core, which verifies and benches in its place."""
    differs: str | None = None
    """What the stand-in leaves out or does otherwise, in words that follow a colon."""
    memory: Memory
    compiler: Compiler
    emulator: Emulator | None = None
    pace: Pace | None = None
    silicon: Silicon | None = None
    usb: Usb | None = None
    flash: Flash | None = None

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
    return tuple(load_board(name) for name in board_names())


def load_board(name: str) -> Board:
    """A board by name, or by the path of a board file of one's own (a name that ends in .toml).

    Raises:
        BoardError: no such board or file; a key that is unknown, missing or of the wrong type.
    """
    return _read(find_board(name)) if name.endswith(".toml") else _known(name)


@cache
def _known(name: str) -> Board:
    return _read(find_board(name))


def _read(path: Path) -> Board:
    values = read_board(path)
    try:
        board = _board_model()(name=path.stem, **values)
    except ValidationError as error:
        raise BoardError(f"Board file {path}: {_first_problem(error)}") from error
    return _consistent(board, path)


@cache
def _board_model() -> type[Board]:
    """Board with the tables of all kinds of projects and all flash tools, so that their keys are
    checked as its own.
    """
    tools: dict[str, Any] = {name: (kind | None, None) for name, kind in flash_tools().items()}
    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in project_tables().items()}
    fields["flash"] = (create_model("Flash", __base__=Flash, **tools) | None, None)
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
        section = _table(section, table)
    names = [name for name in section.model_fields if not (not tables and name == "name")]
    near = difflib.get_close_matches(last, names, n=1)
    return f"Known here: {', '.join(names)}." + (f" Did you mean {near[0]!r}?" if near else "")


def _table(section: type[Section], name: str) -> type[Section]:
    """The type of a table within another: its field is that type, or that or None."""
    kind: Any = section.model_fields[name].annotation
    found: type[Section] = next(iter(get_args(kind)), kind)
    return found


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
            near = difflib.get_close_matches(name, known, n=1)
            raise BoardError(
                f"Board file {path}: {key} = {name!r}, but {folder} has no such folder.",
                expected=f"There are: {', '.join(known)}.",
                hint=f"Did you mean {near[0]!r}?" if near else "",
            )
    if board.project in project_tables() and board.settings is None:
        raise BoardError(
            f"Board file {path}: project = {board.project!r} needs a table [{board.project}]."
        )
    if board.flash is not None:
        _check_flash(board.flash, path)
    if board.stand_in is not None:
        _check_stand_in(board, board.stand_in, path)
    if board.pace is not None and board.pace.least > board.pace.most:
        raise BoardError(f"Board file {path}: key 'pace.least' is larger than 'pace.most'.")
    return board


def _check_flash(flash: Flash, path: Path) -> None:
    """Every tool is known, and has its table where it needs one."""
    known = flash_tools()
    for name in flash.tools:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise BoardError(
                f"Board file {path}: flash.tools names {name!r}, which is no tool that is known.",
                expected=f"There are: {', '.join(known)}.",
                hint=f"Did you mean {near[0]!r}?" if near else "",
            )
        required = any(field.is_required() for field in known[name].model_fields.values())
        if required and getattr(flash, name) is None:
            raise BoardError(
                f"Board file {path}: flash.tools names {name!r}, which needs a table "
                f"[flash.{name}]."
            )


def _check_stand_in(board: Board, name: str, path: Path) -> None:
    """An emulated board with the same kernels, or what it verifies is not what the board runs."""
    if board.emulator is not None:
        raise BoardError(
            f"Board file {path}: stand_in = {name!r}, but the board has an [emulator] of its own.",
            hint="Leave one of them out.",
        )
    other = load_board(name)
    if other.emulator is None:
        raise BoardError(
            f"Board file {path}: stand_in = {name!r}, which has no emulator.",
            hint="Name a board with a table [emulator].",
        )
    if other.kernels != board.kernels:
        raise BoardError(
            f"Board file {path}: stand_in = {name!r} runs the kernels {other.kernels!r}, "
            f"this board {board.kernels!r}.",
            hint="Name an emulated board with the same kernels.",
        )
