"""Flashes a project: chooses tool and port, builds and checks the program, and calls the tool."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinycomp.common.errors import BoardError, ToolError
from tinycomp.common.progress import Progress
from tinycomp.device import drives, ports
from tinycomp.device.flash_build import (
    SERIAL,
    Project,
    build_program,
    fitting,
    given_program,
    planned_build,
)
from tinycomp.device.ports import FoundPort
from tinycomp.target.boards import Board, Flash
from tinycomp.target.flash_tools._registry import flash_tools
from tinycomp.target.flash_tools._tool import FlashJob, FlashTool, Part
from tinycomp.target.flash_tools.drive import Drive
from tinycomp.target.programs import find_program

FLASH_SECONDS = 600.0
"""Time limit of a tool, in seconds."""
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


@dataclass(frozen=True)
class _Chosen:
    name: str
    """Of the tool, as in the board file."""
    tool: FlashTool
    """Its settings for the board."""
    program: str
    """The command: a name, or a path."""
    formats: tuple[str, ...]
    """Formats of programs that it reads, best first."""


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
    settings = _settings(project.board)
    chosen = _chosen(project.board, settings, options)
    if options.dry_run:
        _show_commands(project, chosen, options, show)
        return None
    port = _port(project.board, chosen, options.port, progress)
    firmware, parts = _firmware(project, chosen, options, scratch, progress, show)
    if port is not None and settings.touch:
        with progress.stage(f"Starting the bootloader of the {project.board.name}"):
            port = _in_bootloader(project.board, chosen, port)
    where = _where(chosen, port, settings)
    _run(project, chosen, FlashJob(
        firmware, settings.address, chosen.program, _version(chosen), where,
        "" if port is None else port.serial_number, parts,
    ), progress, show)  # fmt: skip
    return port


def _settings(board: Board) -> Flash:
    if board.flash is not None:
        return board.flash
    why = "is emulated, and never flashed" if board.emulator else "can't be flashed"
    raise BoardError(
        f"{board.name} {why}: its file has no table [flash].",
        hint="'tinycomp boards' lists boards that can be bought; docs/adding.md says how a board "
        "file says how it is flashed.",
    )


def _chosen(board: Board, settings: Flash, options: FlashOptions) -> _Chosen:
    """The requested tool, or the first one installed."""
    names = settings.tools if options.tool is None else (options.tool,)
    if options.tool is not None and options.tool not in settings.tools:
        raise ToolError(
            f"{board.name} is not flashed with {options.tool!r}.",
            expected=f"Expected one that its board file knows: {', '.join(settings.tools)}.",
        )
    for name in names:
        tool = settings.tool(name)
        program = "" if not tool.programs else find_program(tool.programs)
        if program is not None:
            return _with_formats(name, tool, program)
    if options.dry_run:
        tool = settings.tool(names[0])
        return _with_formats(names[0], tool, tool.programs[0])
    kinds = [flash_tools()[name] for name in names]
    raise ToolError(
        f"{board.name} is flashed with {' or '.join(kind.programs[0] for kind in kinds)}, "
        f"which {'is' if len(kinds) == 1 else 'are'} not installed.",
        hint=" Or: ".join(kind.install for kind in kinds),
    )


def _with_formats(name: str, tool: FlashTool, program: str) -> _Chosen:
    formats = (tool.format,) if isinstance(tool, Drive) else tool.formats
    return _Chosen(name, tool, program, formats)


def _port(
    board: Board, chosen: _Chosen, name: str | None, progress: Progress
) -> FoundPort | None:  # fmt: skip
    """The board's serial port; None if none is needed and there is none."""
    if name is not None:
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
    project: Project, chosen: _Chosen, options: FlashOptions, scratch: Path, progress: Progress,
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
    made = chosen.tool.made()
    for name, content in made.items():
        (scratch / name).write_bytes(content)
    wanted = [
        replace(part, path=scratch / part.path.name) if part.path.name in made else part
        for part in chosen.tool.parts(firmware.parent)
    ]
    if absent := [part.path.name for part in wanted if not part.path.is_file()]:
        progress.note(
            f"{', '.join(absent)} is missing next to {firmware.name}: the board keeps its old one."
        )
    return firmware, tuple(part for part in wanted if part.path.is_file())


def _in_bootloader(board: Board, chosen: _Chosen, port: FoundPort) -> FoundPort:
    """The bootloader's port; the program's if the bootloader has none (DFU, drives)."""
    if chosen.tool.needs_port:
        return ports.bootloader_port(board, port)
    if board.usb is None or port.usb_id not in board.usb.bootloader:
        ports.touch(port.name)
    return port


def _where(chosen: _Chosen, port: FoundPort | None, settings: Flash) -> str:
    if isinstance(chosen.tool, Drive):
        return str(drives.find_drive(chosen.tool.label, settings.advice))
    return "" if port is None else port.name


def _version(chosen: _Chosen) -> tuple[int, ...]:
    """The tool's version, if its command depends on it: the last dotted number that it prints."""
    arguments = chosen.tool.version_arguments
    if not arguments or find_program((chosen.program,)) is None:
        return ()
    text = _output((chosen.program, *arguments)).stdout
    found = re.findall(r"\b(\d+)\.(\d+)", text)
    return tuple(map(int, found[-1])) if found else ()


def _show_commands(
    project: Project, chosen: _Chosen, options: FlashOptions, show: Callable[[str], None]
) -> None:
    """Both commands, with placeholders for files and port."""
    line, outputs = planned_build(project)
    form = next((form for form in chosen.formats if form in outputs), chosen.formats[0])
    firmware = options.image or outputs.get(form, project.build / f"{SERIAL}.{form}")
    if options.image is None:
        show(line)
    where = options.port or "PORT"
    if isinstance(chosen.tool, Drive):
        where = chosen.tool.label
    parts = chosen.tool.parts(firmware.parent)
    job = FlashJob(
        firmware, _settings(project.board).address, chosen.program, _version(chosen), where,
        parts=parts,
    )  # fmt: skip
    show(shlex.join(chosen.tool.command(job)))


def _run(
    project: Project, chosen: _Chosen, job: FlashJob, progress: Progress,
    show: Callable[[str], None],
) -> None:  # fmt: skip
    command = chosen.tool.command(job)
    show(shlex.join(command))
    with progress.stage(f"Flashing the {project.board.name}"):
        if isinstance(chosen.tool, Drive):
            drives.copy_to(job.firmware, Path(job.port))
            return
        done = _output(command)
    if done.returncode != 0:
        advice = _settings(project.board).advice or ""
        raise ToolError(
            f"{chosen.name} failed (exit code {done.returncode}):\n{_last_lines(done)}\n",
            hint=f"Check the cable and the port, and that no other program uses it. {advice}",
        )


def _output(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            check=False, timeout=FLASH_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ToolError(
            f"{command[0]} did not end within {FLASH_SECONDS:g} s.",
            hint="Reset the board, and try again.",
        ) from error
    except OSError as error:
        raise ToolError(f"{command[0]} can't be started: {error.strerror or error}.") from error


def _last_lines(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return "\n".join(lines[-_SHOWN_LINES:])
