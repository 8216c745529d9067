"""Boards: boards/*.toml as validated, frozen data.

A board file has everything that the build, the emulator and the projects need; no module of
tinycomp depends on a board's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, create_model

from tinycomp.target.board_checks import problems_of
from tinycomp.target.board_files import board_names, find_board, read_board
from tinycomp.target.board_problems import problems_of_types, refusal
from tinycomp.target.flash_tools._registry import flash_tools
from tinycomp.target.flash_tools._tool import FlashTool
from tinycomp.target.project_tables._registry import project_tables
from tinycomp.target.section import Section

BAUD = 115_200
"""Default baud rate, as in firmware/harness/port.h."""
Bytes = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]
"""A size or an address, of 32 bits."""
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")]
"""A line of text that is not empty."""


class Memory(Section):
    """The memory available to a program, in bytes."""

    flash: Bytes
    """Size of the flash, in bytes."""
    ram: Bytes
    """Size of the RAM, in bytes."""
    reserved_flash: Bytes = 0
    """Bytes of flash taken by startup code, drivers and the board's core library."""
    reserved_ram: Bytes = 0
    """Bytes of RAM taken by these and by the callers' stack."""
    harvard: bool = False
    """Whether constants are in program memory, which ordinary loads can't read."""
    constants: Bytes | None = None
    """Bytes of addressable constants (AVR: near program memory), if less than the flash."""
    far: bool = False
    """Whether weights may take all of the flash beyond that limit (AVR: far program memory)."""
    largest_array: Bytes | None = None
    """Bytes of the largest array that the compiler supports (AVR: 32767)."""

    @property
    def usable_flash(self) -> int:
        """Bytes of flash for the library."""
        return self.flash - self.reserved_flash

    @property
    def usable_ram(self) -> int:
        """Bytes of RAM for the library."""
        return self.ram - self.reserved_ram


class Compiler(Section):
    """A GCC with its options."""

    prefix: str
    """Before gcc, g++, objcopy: "arm-none-eabi-"; empty for the host's."""
    packages: tuple[str, ...] = Field(min_length=1, strict=False)
    """Its Debian packages."""
    flags: tuple[str, ...] = Field(default=(), strict=False)
    """Options for compiling and linking: the processor, the C library."""
    optimize: str = "-Os"
    """Optimization level: "-O2"."""
    runtime: tuple[str, ...] = Field(default=("-lc", "-lgcc"), strict=False)
    """Libraries with functions that count as code of the inference if the compiler calls them."""


class Emulator(Section):
    """The board's emulator; the harness uses the emulated UART, on a pseudo-terminal."""

    program: str
    """One of QEMU's, or "simavr"."""
    packages: tuple[str, ...] = Field(min_length=1, strict=False)
    """Its Debian packages."""
    machine: str
    """QEMU's machine, or the chip of simavr."""
    cpu: str | None = None
    """QEMU's CPU; None: the machine's own."""
    args: tuple[str, ...] = Field(default=(), strict=False)
    """Further arguments."""
    tick_unit: Literal["instructions", "cycles"]
    """What the port's timer counts under this emulator."""


class Pace(Section):
    """Cycles of the core per instruction counted by an emulator (or per counted cycle of another
    core), for estimating milliseconds.
    """

    least: Annotated[float, Field(gt=0)]
    """Lower end of the range."""
    most: Annotated[float, Field(gt=0)]
    """Upper end of the range."""
    why: str
    """The source of both numbers, as text after a colon."""


class Silicon(Section):
    """A real chip with the emulated core, for estimating cycles."""

    title: str
    """Name of the chip."""
    core: Literal["cortex-m4"]
    """The core with published timings."""
    clock: Annotated[int, Field(gt=0)]
    """Clock in Hz."""
    flash_wait_states: Annotated[int, Field(ge=0)]
    """Additional cycles of a flash read at that clock."""
    flash_read: Annotated[int, Field(gt=0)]
    """Bytes per flash read."""
    code_lines: Annotated[int, Field(gt=0, le=1024)] = 1
    """Cache lines for instructions in the flash accelerator."""
    data_lines: Annotated[int, Field(gt=0, le=1024)] = 1
    """The same for constants."""
    prefetch: bool = False
    """Whether the next instructions are prefetched, in no time."""


UsbId = Annotated[str, Field(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]
"""Vendor and product id of a USB device, hexadecimal: "2341:0043"."""


class Usb(Section):
    """The board's USB ids."""

    ids: tuple[UsbId, ...] = Field(min_length=1, strict=False)
    """Ids of its serial port while its program runs, in small letters: "2341:006a"."""
    bootloader: tuple[UsbId, ...] = Field(default=(), strict=False)
    """Ids of its serial port while its bootloader runs, if different: "2341:006a"."""


class Flash(Section):
    """How the board is flashed. Each tool has its settings in a subtable."""

    tools: tuple[str, ...] = Field(min_length=1, strict=False)
    """Modules of tinycomp/target/flash_tools; the first one installed is used."""
    address: Bytes = 0
    """Start of the program's part of the flash in the chip's address space."""
    touch: bool = False
    """Whether opening the serial port at 1200 baud starts the bootloader."""
    advice: str | None = None
    """Manual steps before flashing, as a sentence."""
    uf2_family: Bytes | None = None
    """The chip's number in UF2 files."""

    def tool(self, name: str) -> FlashTool:
        """The settings of a tool."""
        found = getattr(self, name, None)
        return found if isinstance(found, FlashTool) else flash_tools()[name]()


class Board(Section):
    """One board. Its name is the name of its file."""

    name: str
    """Name of its file, without suffix."""
    title: Line
    """Name for users, one line of text."""
    cpu: str
    """The core, or the chip on AVR."""
    kernels: str = "generic"
    """The instruction set: a folder under firmware/kernels."""
    port: str
    """The folder under firmware/ports; its parent folders have files shared with other ports."""
    project: str
    """The kind of project, a module of tinycomp/emit/projects."""
    baud: Annotated[int, Field(gt=0)] = BAUD
    """Baud rate of the serial line, in the firmware and on this computer."""
    clock: Annotated[int, Field(gt=0)] | None = None
    """Clock in Hz, as set by the board's own software."""
    based_on: str | None = None
    """The board from which this one inherits its other keys."""
    stand_in: str | None = None
    """The emulated board with the same core that verifies and benches in its place."""
    differs: str | None = None
    """Differences of the stand-in, as text after a colon."""
    memory: Memory
    """Table [memory]."""
    compiler: Compiler
    """Table [compiler]."""
    emulator: Emulator | None = None
    """Table [emulator]; None: not emulated."""
    pace: Pace | None = None
    """Table [pace], for estimating milliseconds."""
    silicon: Silicon | None = None
    """Table [silicon], for estimating cycles."""
    usb: Usb | None = None
    """Table [usb], for finding its port."""
    flash: Flash | None = None
    """Table [flash]; None: it can't be flashed."""

    @property
    def is_host(self) -> bool:
        """Whether programs run on this computer: without cross compiler and emulator, with
        sanitizers.
        """
        return not self.compiler.prefix

    @property
    def settings(self) -> Section | None:
        """The table of its kind of project (tinycomp/target/project_tables), if it has one."""
        found = getattr(self, self.project, None)
        return found if isinstance(found, Section) else None


def list_boards() -> tuple[Board, ...]:
    """All built-in boards, by name."""
    return tuple(load_board(name) for name in board_names())


def load_board(name: str) -> Board:
    """A built-in board by name, or any board by the path of its file (ends in .toml).

    Raises:
        BoardError: no such board or file; a key that is unknown, missing or of the wrong type.
    """
    return _read(find_board(name)) if name.endswith(".toml") else _known(name)


@cache
def _known(name: str) -> Board:
    return _read(find_board(name))


def _read(path: Path) -> Board:
    return _made(path.stem, read_board(path), path)


def _made(name: str, values: Mapping[str, Any], path: Path) -> Board:
    """The board with these keys, those of the boards that it is based on included."""
    problems = list(problems_of(values))
    try:
        board = _board_model()(name=name, **values)
    except ValidationError as error:
        of_types = problems_of_types(error, _board_model())
        raise refusal(path, [*of_types, *problems]) from error
    if problems:
        raise refusal(path, problems)
    return board


def own_keys(board: Board) -> dict[str, Any] | None:
    """What `restored` makes a board of that has a file of the user's; None if it is built in."""
    if board.name in board_names() and load_board(board.name) == board:
        return None
    return board.model_dump(mode="json", exclude_unset=True, exclude={"name"})


def restored(name: str, own: Mapping[str, Any] | None) -> Board:
    """A board by its name and `own_keys`.

    Raises:
        BoardError: the keys are of another version, or the board is unknown.
    """
    return load_board(name) if own is None else _made(name, own, Path(f"{name}.toml"))


@cache
def _board_model() -> type[Board]:
    """The Board type with the tables of all kinds of projects and flash tools, so that their keys
    are checked too.
    """
    tools: dict[str, Any] = {name: (kind | None, None) for name, kind in flash_tools().items()}
    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in project_tables().items()}
    fields["flash"] = (create_model("Flash", __base__=Flash, **tools) | None, None)
    return create_model("Board", __base__=Board, **fields)
