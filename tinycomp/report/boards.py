"""Boards as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tinycomp.report.tables import details
from tinycomp.target.boards import Board

_KILO = 1024


def board_table(known: Iterable[tuple[Board, str]]) -> Table:
    """One line per board: core, usable memory, clock, project, and state.

    Args:
        known: each board with a short description of its state.
    """
    table = Table(title="Boards", title_justify="left", box=SIMPLE_HEAD, padding=0)
    table.add_column("board", no_wrap=True)
    table.add_column("core", no_wrap=True)
    for heading in ("flash", "RAM", "MHz"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("built by", no_wrap=True)
    table.add_column("here", no_wrap=True)
    for board, state in known:
        memory = board.memory
        sizes = (memory.usable_flash, memory.usable_ram)
        shown = ("", "") if board.is_host else (_kilobytes(sizes[0]), _kilobytes(sizes[1]))
        clock = f"{board.clock / 1e6:g}" if board.clock else ""
        table.add_row(board.name, board.cpu, *shown, clock, board.project, state)
    return table


def board_content(board: Board, state: str) -> dict[str, object]:
    """A board for JSON: sizes in bytes, the clock in Hz."""
    memory = board.memory
    return {
        "name": board.name,
        "title": board.title,
        "core": board.cpu,
        "flash": None if board.is_host else memory.usable_flash,
        "ram": None if board.is_host else memory.usable_ram,
        "clock": board.clock,
        "project": board.project,
        "here": state,
    }


def _kilobytes(size: int) -> str:
    return f"{size / _KILO:.0f}" if size >= 10 * _KILO else f"{size / _KILO:.1f}"


def board_details(board: Board, state: str) -> Table:
    """All settings of a board."""
    return details(f"{board.name}: {board.title}", _details(board, state))


def _details(board: Board, state: str) -> Iterator[tuple[str, str]]:
    yield "here", state
    yield "core", f"{board.cpu}, kernels {board.kernels}"
    yield "clock", f"{board.clock / 1e6:g} MHz" if board.clock else "not known"
    memory = board.memory
    yield "flash", _share(memory.flash, memory.reserved_flash)
    yield "RAM", _share(memory.ram, memory.reserved_ram)
    if memory.constants is not None:
        yield "constants", f"at most {memory.constants:,} bytes"
    if memory.largest_array is not None:
        yield "largest array", f"{memory.largest_array:,} bytes"
    yield "built by", board.project
    if board.settings is not None:
        for key, value in board.settings.model_dump().items():
            if value not in (None, "", (), []):
                yield f"  {key}", str(value)
    compiler = board.compiler
    flags = _words([compiler.optimize, *compiler.flags])
    yield "compiler", f"{compiler.prefix}gcc {flags} (apt: {_words(compiler.packages)})"
    yield "port", f"{board.port}, {board.baud:,} bits a second"
    if board.emulator is not None:
        emulator = board.emulator
        yield "emulator", f"{emulator.program} {emulator.machine}, counts {emulator.tick_unit}"
    yield from _flash_details(board)
    if board.stand_in is not None:
        yield "stand-in", board.stand_in
    if board.differs is not None:
        yield "  what differs", board.differs
    if board.pace is not None:
        pace = board.pace
        yield "pace", f"{pace.least:g} to {pace.most:g} cycles per counted one: {pace.why}"
    if board.silicon is not None:
        silicon = board.silicon
        yield "cycles for", f"{silicon.title} at {silicon.clock / 1e6:g} MHz (--estimate-cycles)"
    if board.based_on is not None:
        yield "based on", board.based_on


def _flash_details(board: Board) -> Iterator[tuple[str, str]]:
    if board.flash is None:
        return
    yield "flashed by", " or ".join(board.flash.tools)
    yield "  address", f"0x{board.flash.address:x}"
    if board.flash.advice is not None:
        yield "  by hand", board.flash.advice
    if board.usb is not None:
        yield "USB ids", _words((*board.usb.ids, *board.usb.bootloader))


def _share(size: int, reserved: int) -> str:
    return f"{size - reserved:,} of {size:,} bytes; {reserved:,} are reserved"


def _words(parts: Sequence[str]) -> str:
    return " ".join(parts)


def port_table(ports: Iterable[tuple[str, str | None, str, Sequence[str]]]) -> Table:
    """One line per serial port: its USB id, the system's description, the boards that it may be.

    Args:
        ports: name, USB id, description, names of boards.
    """
    table = Table(box=SIMPLE_HEAD, padding=0)
    for heading in ("port", "USB id", "it says", "may be"):
        table.add_column(heading)
    for name, usb_id, description, names in ports:
        may_be = ", ".join(names) or "no known board"
        table.add_row(name, usb_id or "none", description, may_be)
    return table
