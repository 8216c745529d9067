"""The tool that flashes a board: which one, its version, and its runs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tinycomp.common.errors import BoardError, ToolError
from tinycomp.target.boards import Board, Flash
from tinycomp.target.flash_tools._registry import flash_tools
from tinycomp.target.flash_tools._tool import FlashTool
from tinycomp.target.flash_tools.drive import Drive
from tinycomp.target.programs import find_program

FLASH_SECONDS = 600.0
"""Time limit of a tool, in seconds."""


@dataclass(frozen=True)
class ChosenTool:
    """The tool that is used, with what its command depends on."""

    name: str
    """Of the tool, as in the board file."""
    tool: FlashTool
    """Its settings for the board."""
    program: str
    """The command: a name, or a path."""
    formats: tuple[str, ...]
    """Formats of programs that it reads, best first."""
    skipped: tuple[str, ...] = ()
    """Tools that the board file prefers, and that are not installed."""
    installed: bool = True
    """False only in a dry run."""


def flash_settings(board: Board) -> Flash:
    """The board's table [flash].

    Raises:
        BoardError: it has none.
    """
    if board.flash is not None:
        return board.flash
    why = "is emulated, and never flashed" if board.emulator else "can't be flashed"
    raise BoardError(
        f"{board.name} {why}: its file has no table [flash].",
        hint="'tinycomp boards' lists boards that can be bought; docs/adding.md says how a board "
        "file says how it is flashed.",
    )


def choose_tool(board: Board, settings: Flash, wanted: str | None, *, dry_run: bool) -> ChosenTool:
    """The requested tool, or the first one installed.

    Args:
        board: the board to flash.
        settings: its table [flash].
        wanted: a tool's name; None: any of the board's.
        dry_run: whether a tool that is not installed is good enough.

    Raises:
        ToolError: the board is not flashed with that tool, or none is installed.
    """
    names = settings.tools if wanted is None else (wanted,)
    if wanted is not None and wanted not in settings.tools:
        raise ToolError(
            f"{board.name} is not flashed with {wanted!r}.",
            expected=f"Expected one that its board file knows: {', '.join(settings.tools)}.",
        )
    for place, name in enumerate(names):
        tool = settings.tool(name)
        program = "" if not tool.programs else find_program(tool.programs)
        if program is not None:
            return _with_formats(name, tool, program, names[:place])
    if dry_run:
        tool = settings.tool(names[0])
        return replace(_with_formats(names[0], tool, tool.programs[0]), installed=False)
    kinds = [flash_tools()[name] for name in names]
    raise ToolError(
        f"{board.name} is flashed with {' or '.join(kind.programs[0] for kind in kinds)}, "
        f"which {'is' if len(kinds) == 1 else 'are'} not installed.",
        hint=" Or: ".join(kind.install for kind in kinds),
    )


def _with_formats(
    name: str, tool: FlashTool, program: str, skipped: tuple[str, ...] = ()
) -> ChosenTool:
    formats = (tool.format,) if isinstance(tool, Drive) else tool.formats
    return ChosenTool(name, tool, program, formats, skipped)


def tool_version(chosen: ChosenTool) -> tuple[int, ...]:
    """The tool's version, if its command depends on it: the last dotted number that it prints."""
    arguments = chosen.tool.version_arguments
    if not arguments or find_program((chosen.program,)) is None:
        return ()
    text = output_of((chosen.program, *arguments)).stdout
    found = re.findall(r"\b(\d+)\.(\d+)", text)
    return tuple(map(int, found[-1])) if found else ()


def output_of(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a tool; return its exit code and what it printed.

    Raises:
        ToolError: it can't be started, or does not end in time.
    """
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
            errors="replace", check=False, timeout=FLASH_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ToolError(
            f"{command[0]} did not end within {FLASH_SECONDS:g} s.",
            hint="Reset the board, and try again.",
        ) from error
    except OSError as error:
        raise ToolError(f"{command[0]} can't be started: {error.strerror or error}.") from error
