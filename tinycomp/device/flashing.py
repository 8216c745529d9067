"""Flashes a project: chooses tool and port, builds and checks the program, and calls the tool."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinycomp.common.errors import ToolError
from tinycomp.common.progress import Progress
from tinycomp.device import drives, ports
from tinycomp.device.flash_build import (
    Project,
    build_program,
    existing,
    fitting,
    further_parts,
    given_program,
)
from tinycomp.device.flash_choice import (
    ChosenTool,
    choose_tool,
    flash_settings,
    output_of,
    tool_version,
)
from tinycomp.device.flash_plan import show_plan
from tinycomp.device.port_errors import require_port
from tinycomp.device.ports import FoundPort
from tinycomp.target.boards import Board, Flash
from tinycomp.target.flash_tools._tool import FlashJob, Part
from tinycomp.target.flash_tools.drive import Drive

_SHOWN_LINES = 12


@dataclass(frozen=True)
class FlashOptions:
    """Options of `tinycomp flash`."""

    port: str | None = None
    """The board's serial port; None: the only port that may be the board."""
    tool: str | None = None
    """One of the board's tools; None: the first that is installed."""
    image: Path | None = None
    """A prebuilt program; None: build the project."""
    dry_run: bool = False
    """Only show the commands."""


def flash(
    project: Project, options: FlashOptions, scratch: Path, progress: Progress,
    show: Callable[[str], None],
) -> FoundPort | None:  # fmt: skip
    """Flash a project's serial program.

    Args:
        project: the project to flash.
        options: of the command.
        scratch: a folder for conversions of a prebuilt program.
        progress: shows the stages, receives notes.
        show: receives every command line before it runs.

    Returns:
        The port used; None if the tool found the board by itself.

    Raises:
        BoardError: the board can't be flashed, or the program is for another one.
        ToolError: a tool is missing or fails.
        DeviceError: no port may be the board, or several may be.
    """
    settings = flash_settings(project.board)
    chosen = choose_tool(project.board, settings, options.tool, dry_run=options.dry_run)
    if options.dry_run:
        show_plan(project, chosen, (options.port, options.image), scratch, progress, show)
        return None
    if options.image is not None:
        given_program(options.image)
    port = _port(project.board, chosen, options.port, progress)
    firmware, parts = _firmware(project, chosen, options, scratch, progress, show)
    if port is not None and settings.touch:
        with progress.stage(f"Starting the bootloader of the {project.board.name}"):
            port = _in_bootloader(project.board, chosen, port)
    where = _where(chosen, port, settings)
    _run(project, chosen, FlashJob(
        firmware, settings.address, chosen.program, tool_version(chosen), where,
        "" if port is None else port.serial_number, parts,
    ), progress, show)  # fmt: skip
    return port


def _port(
    board: Board, chosen: ChosenTool, name: str | None, progress: Progress
) -> FoundPort | None:  # fmt: skip
    """The board's serial port; None if none is needed and there is none."""
    if name is not None:
        if chosen.tool.needs_port:
            require_port(name)
        port = ports.described(name)
        if port.usb_id is not None and port.usb_id not in ports.usb_ids(board):
            progress.note(
                f"{name} has the USB id {port.usb_id}, which is not a known id of the "
                f"{board.name} ({', '.join(ports.usb_ids(board))})."
            )
        return port
    found = ports.matching(board)
    if not found and not chosen.tool.needs_port:
        return None
    port = ports.port_of(board)
    progress.note(f"Using {port.name} ({port.usb_id}), the only port that may be the {board.name}.")
    return port


def _firmware(
    project: Project, chosen: ChosenTool, options: FlashOptions, scratch: Path, progress: Progress,
    show: Callable[[str], None],
) -> tuple[Path, tuple[Part, ...]]:  # fmt: skip
    """The job for the tool: the program in its format, and further parts to write."""
    if options.image is not None:
        built = given_program(options.image)
    else:
        scratch = project.build
        with progress.stage(f"Building {project.folder}"):
            built = build_program(project, show)
    firmware = fitting(project, chosen.tool, chosen.formats, built, scratch)
    for name, content in chosen.tool.made().items():
        (scratch / name).write_bytes(content)
    wanted = further_parts(chosen.tool, firmware.parent, scratch)
    return firmware, existing(wanted, firmware, progress)


def _in_bootloader(board: Board, chosen: ChosenTool, port: FoundPort) -> FoundPort:
    """The bootloader's port; the program's if the bootloader has none (DFU, drives)."""
    if chosen.tool.needs_port:
        return ports.bootloader_port(board, port)
    if board.usb is None or port.usb_id not in board.usb.bootloader:
        ports.touch(port.name)
    return port


def _where(chosen: ChosenTool, port: FoundPort | None, settings: Flash) -> str:
    if isinstance(chosen.tool, Drive):
        return str(drives.find_drive(chosen.tool.label, settings.advice))
    return "" if port is None else port.name


def _run(
    project: Project, chosen: ChosenTool, job: FlashJob, progress: Progress,
    show: Callable[[str], None],
) -> None:  # fmt: skip
    command = chosen.tool.command(job)
    show(shlex.join(command))
    with progress.stage(f"Flashing the {project.board.name}"):
        if isinstance(chosen.tool, Drive):
            drives.copy_to(job.firmware, Path(job.port))
            return
        done = output_of(command)
    if done.returncode != 0:
        advice = flash_settings(project.board).advice or ""
        raise ToolError(
            f"{chosen.name} failed (exit code {done.returncode}):\n{_last_lines(done)}\n",
            hint=f"Check the cable and the port, and that no other program uses it. {advice}",
        )


def _last_lines(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return "\n".join(lines[-_SHOWN_LINES:])
