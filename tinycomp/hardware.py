"""Goals around a board on the desk, or an emulated one in its place: flash it, run a build on it,
serve it to other clients.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tinycomp.common.errors import BoardError
from tinycomp.common.progress import Progress
from tinycomp.device import ports
from tinycomp.device.firmware_build import emulated_board, missing
from tinycomp.device.flash_build import Project
from tinycomp.device.flashing import FlashOptions
from tinycomp.device.flashing import flash as flash_project
from tinycomp.device.link import SerialPort
from tinycomp.device.port_links import refuse_taken
from tinycomp.device.serving import serving
from tinycomp.folder_checks import bench, firmware_build, verify
from tinycomp.options.data import DataOptions
from tinycomp.proof.built_for import board_of
from tinycomp.reference.compare import Verification
from tinycomp.report.record import Report, read_report
from tinycomp.target.boards import Board


def flash(
    folder: Path, board: str | None, options: FlashOptions, progress: Progress,
    show: Callable[[str], None],
) -> str | None:  # fmt: skip
    """Build a folder's serial program with its project's own tools, and flash it.

    Args:
        folder: what `build` wrote.
        board: another board file than the one it was built for; None: that one.
        options: port, tool, and what is flashed.
        progress: shows the stages.
        show: gets each command before it runs.

    Returns:
        The board's serial port once the program runs; None where nothing was flashed, or no
        serial port is known.

    Raises:
        TinycompError: the folder is no build; a tool is missing or fails; no port may be the board.
    """
    report = read_report(folder)
    target = board_of(report, board)
    _refuse_other_project(folder, board_of(report), target)
    project = Project(folder, target, report.prefix)
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
        port = flash_project(project, options, Path(scratch), progress, show)
    return None if port is None else ports.running_port(target, port)


def _refuse_other_project(folder: Path, built_for: Board, target: Board) -> None:
    """Refuse to build a folder with the tools of another kind of project."""
    if built_for.project != target.project:
        raise BoardError(
            f"'{folder}' is a project of the kind {built_for.project} for {built_for.name}; "
            f"{target.name} takes {target.project}.",
            hint=f"Build the model with --board {target.name}.",
        )


def flash_and_check(
    folder: Path, board: str | None, options: FlashOptions, samples: int, line: SerialPort,
    progress: Progress, show: Callable[[str], None],
) -> tuple[Verification, Report | None]:  # fmt: skip
    """Flash a build, then verify and bench it on the board; without a report where it differs.

    Args:
        folder: what `build` wrote.
        board: another board file than the one it was built for; None: that one.
        options: port, tool, and what is flashed.
        samples: how many to compare executions on.
        line: how the board is reached then; its name does not count.
        progress: shows the stages.
        show: gets each command before it runs.

    Raises:
        TinycompError: as flash, verify and bench.
    """
    name = flash(folder, board, options, progress, show)
    if name is None:
        name = ports.port_of(board_of(read_report(folder), board)).name
    port = replace(line, name=name)
    found = verify(folder, board, None, DataOptions(), samples, port, progress)
    return found, bench(folder, board, port, progress) if found.equal else None


def serve(
    folder: Path, board: str | None, link: Path | None, true_speed: bool, progress: Progress,
    ready: Callable[[str, Board], None],
) -> None:  # fmt: skip
    """Keep an emulated board running with a build, until the program is interrupted.

    Args:
        folder: what `build` wrote.
        board: another board than it was built for; None: that one, or its stand-in.
        link: a symbolic link to the board's port; None: none.
        true_speed: whether the board's clock runs as fast as this computer's.
        progress: shows the stages.
        ready: gets the port and the board as soon as it runs.

    Raises:
        TinycompError: the folder is no build; a compiler or the emulator is missing or fails.
    """
    if link is not None:
        refuse_taken(link)
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
        firmware = firmware_build(folder, read_report(folder), board, Path(scratch))
        served = emulated_board(firmware.board)
        why = None if served.is_host else missing(served)
        if why is not None:
            raise BoardError(f"{served.name} can't be served: {why}")
        if served.name != firmware.board.name:
            progress.note(f"{firmware.board.name} is not emulated: {served.name} is served.")
        with progress.stage(f"Compiling for {served.name}"):
            program = replace(firmware, board=served).board_program()
        with serving(served, program, link, true_speed=true_speed) as running:
            ready(running.port, served)
            running.wait()
