"""Boards on the desk: which are known, where they are plugged in, and builds on them."""

from __future__ import annotations

import os
from collections.abc import Callable

from tinycomp import hardware
from tinycomp.api._data import optional_path
from tinycomp.api._log import LOGGER, Logged
from tinycomp.api.built import Built, board_name, folder_of
from tinycomp.common.progress import Progress
from tinycomp.device import ports
from tinycomp.device.flashing import FlashOptions
from tinycomp.device.link import STARTUP_SECONDS, SerialPort
from tinycomp.options.build import BuildOptions
from tinycomp.reference.compare import Verification
from tinycomp.report.record import Report
from tinycomp.target import boards
from tinycomp.target.boards import Board

Show = Callable[[str], None]
"""Gets each command line before it runs."""


def list_boards() -> tuple[Board, ...]:
    """All built-in boards by name: their cores, memory, clocks and tools."""
    return boards.list_boards()


def list_ports() -> dict[str, tuple[str, ...]]:
    """The names of the serial ports, each with the boards that it may be by its USB id."""
    known = boards.list_boards()
    return {port.name: ports.boards_of(port, known) for port in ports.found_ports()}


def flash(
    build: Built,
    *,
    port: str | None = None,
    board: str | os.PathLike[str] | None = None,
    tool: str | None = None,
    image: str | os.PathLike[str] | None = None,
    dry_run: bool = FlashOptions.dry_run,
    show: Show | None = None,
    progress: Progress | None = None,
) -> str | None:
    """Build the serial program of a build with its project's own tools, and flash it.

    Args:
        build: a build, or the path of its folder.
        port: the board's serial port; None: the only one that may be the board.
        board: another board file than the one it was built for.
        tool: one of the board's flash tools; None: the first that is installed.
        image: a program to flash instead of the build's own.
        dry_run: only show the commands.
        show: gets each command line; None: the logger "tinycomp", as an info.
        progress: as in `build`.

    Returns:
        The board's serial port once the program runs; None where none is known.

    Raises:
        TinycompError: the folder is no build; a tool is missing or fails; no port may be the board.
    """
    options = FlashOptions(port, tool, optional_path(image), dry_run)
    name = board_name(board)
    return hardware.flash(folder_of(build), name, options, progress or Logged(), show or _log)


def run(
    build: Built,
    *,
    port: str | None = None,
    board: str | os.PathLike[str] | None = None,
    tool: str | None = None,
    image: str | os.PathLike[str] | None = None,
    samples: int = BuildOptions.samples,
    startup_timeout: float = STARTUP_SECONDS,
    reset: bool = SerialPort.reset,
    show: Show | None = None,
    progress: Progress | None = None,
) -> tuple[Verification, Report | None]:
    """Flash a build, then verify and bench it on the board.

    Args:
        build: as in `flash`.
        port: as in `flash`.
        board: as in `flash`.
        tool: as in `flash`.
        image: as in `flash`.
        samples: how many samples are compared.
        startup_timeout: seconds that the board may take to boot.
        reset: whether DTR and RTS are raised when the port is opened, which resets many boards.
        show: as in `flash`.
        progress: as in `build`.

    Returns:
        The comparison, and the report with what was measured; None where an execution differs.

    Raises:
        TinycompError: as `flash`, `verify` and `bench`.
    """
    options = FlashOptions(port, tool, optional_path(image))
    line = SerialPort("", None, startup_timeout, reset)
    return hardware.flash_and_check(
        folder_of(build), board_name(board), options, samples, line, progress or Logged(),
        show or _log,
    )  # fmt: skip


def _log(command: str) -> None:
    LOGGER.info(command)
