"""The commands of a dry run: what can be checked is checked, and what tinycomp does itself is said
in comments, so that the lines can be pasted into a shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from tinycomp.common.errors import DeviceError
from tinycomp.common.progress import Progress
from tinycomp.device import drives, ports
from tinycomp.device.flash_build import (
    Project,
    existing,
    fitting,
    further_parts,
    given_program,
    planned_build,
)
from tinycomp.device.flash_choice import ChosenTool, flash_settings, tool_version
from tinycomp.target.flash_tools._tool import FlashJob, Part
from tinycomp.target.flash_tools.drive import Drive

Show = Callable[[str], None]
PORT = "PORT"
"""Stands for a port that was not named."""


def show_plan(
    project: Project, chosen: ChosenTool, given: tuple[str | None, Path | None], scratch: Path,
    progress: Progress, show: Show,
) -> None:  # fmt: skip
    """Show the commands that would build and flash a project.

    Args:
        project: the project to flash.
        chosen: the flash tool.
        given: the port and the prebuilt program, where the command names them.
        scratch: a folder for trial conversions of a prebuilt program.
        progress: receives notes.
        show: receives every line: a command, or a comment that begins with #.

    Raises:
        BoardError: the prebuilt program is for another board.
        ToolError: there is no such program, or the tool does not read it.
    """
    port, image = given
    settings = flash_settings(project.board)
    for line in _tool_notes(chosen):
        show(line)
    if image is None:
        firmware, parts = _planned(project, chosen, show)
    else:
        firmware, parts = _checked(project, chosen, image, scratch, progress, show)
    if settings.touch:
        show(_touch_note(chosen, port or PORT))
    where, about = _where(chosen, port)
    if about is not None:
        show(about)
    job = FlashJob(
        firmware, settings.address, chosen.program, tool_version(chosen), where, parts=parts
    )
    show(shlex.join(chosen.tool.command(job)))


def _tool_notes(chosen: ChosenTool) -> Iterator[str]:
    if not chosen.installed:
        yield f"# {chosen.program} is not installed. {chosen.tool.install}"
    if chosen.skipped:
        used = "its drive" if isinstance(chosen.tool, Drive) else chosen.name
        plural = "is" if len(chosen.skipped) == 1 else "are"
        yield f"# {' and '.join(chosen.skipped)} {plural} not installed: flashed by {used}."


def _planned(project: Project, chosen: ChosenTool, show: Show) -> tuple[Path, tuple[Part, ...]]:
    """The program that the build would leave, and all parts."""
    lines, outputs = planned_build(project)
    for line in lines:
        show(line)
    form = next((form for form in chosen.formats if form in outputs), chosen.formats[0])
    source = next(iter(outputs.values()))
    firmware = outputs.get(form, source.with_suffix(f".{form}"))
    if form not in outputs:
        show(f"# tinycomp writes {firmware} from {source.name}.")
    for name in chosen.tool.made():
        show(f"# tinycomp writes {firmware.parent / name}.")
    return firmware, further_parts(chosen.tool, firmware.parent, firmware.parent)


def _checked(
    project: Project, chosen: ChosenTool, image: Path, scratch: Path, progress: Progress,
    show: Show,
) -> tuple[Path, tuple[Part, ...]]:  # fmt: skip
    """A prebuilt program after the checks and the conversion of a real run, and the parts that it
    would write. Files in the scratch folder, which goes, are shown by their names.
    """
    firmware = fitting(project, chosen.tool, chosen.formats, given_program(image), scratch)
    parts = further_parts(chosen.tool, firmware.parent, Path())
    made = [part for part in parts if part.path.name in chosen.tool.made()]
    found = existing([part for part in parts if part not in made], firmware, progress)
    for part in made:
        show(f"# tinycomp writes {part.path} into a temporary folder.")
    if firmware.parent == scratch:
        show(f"# tinycomp writes {firmware.name} from {image}, into a temporary folder.")
        firmware = Path(firmware.name)
    return firmware, (*found, *made)


def _touch_note(chosen: ChosenTool, port: str) -> str:
    after = ", and waits for the bootloader's port" if chosen.tool.needs_port else ""
    if_known = "" if chosen.tool.needs_port else ", if the board has one,"
    return (
        f"# tinycomp opens {port}{if_known} at {ports.TOUCH_BAUD} baud to start the bootloader"
        f"{after}; on Linux: stty -F {port} {ports.TOUCH_BAUD}"
    )


def _where(chosen: ChosenTool, port: str | None) -> tuple[str, str | None]:
    """The port or the drive, and a comment if it is not known."""
    if isinstance(chosen.tool, Drive):
        label = chosen.tool.label
        try:
            return str(drives.find_drive(label, None)), None
        except DeviceError as error:
            folder = str(next(drives.mount_points()) / label)
            return folder, f"# {folder} stands for the board's drive. {error.what}"
    if port is None and chosen.tool.needs_port:
        return PORT, f"# {PORT} stands for the board's serial port: 'tinycomp ports' lists them."
    return port or "", None
