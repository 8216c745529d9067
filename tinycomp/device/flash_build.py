"""Builds the program to flash with the tools of the project's kind, and converts it to a format
that the flash tool reads.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tinycomp.common.errors import ToolError
from tinycomp.common.progress import Progress
from tinycomp.emit.project import kind_of
from tinycomp.emit.projects._kind import Recipe
from tinycomp.target.boards import Board
from tinycomp.target.flash_tools._tool import FlashTool, Part
from tinycomp.target.image_check import check_image
from tinycomp.target.images import read_image, write_image
from tinycomp.target.programs import find_program
from tinycomp.target.toolchain import run_tool

SERIAL = "serial"
"""Name of the program, without its ending."""


@dataclass(frozen=True)
class Project:
    """A folder written by `tinycomp build`, with its target."""

    folder: Path
    """The folder."""
    board: Board
    """The board."""
    prefix: str
    """Prefix of the library's C names."""

    @property
    def build(self) -> Path:
        """Output of the kind's own tool."""
        return next(iter(self.recipe.outputs.values())).parent

    @property
    def recipe(self) -> Recipe:
        """The recipe of the kind's own tool."""
        return kind_of(self.board).recipe(self.board, self.folder, self.prefix)


def build_command(project: Project) -> str:
    """The command line of the kind's tool."""
    recipe = project.recipe
    return shlex.join((find_program(recipe.programs) or recipe.programs[0], *recipe.arguments))


def planned_build(project: Project) -> tuple[tuple[str, ...], Mapping[str, Path]]:
    """What `build_program` would do here, as lines of a shell, and its files by format."""
    recipe, own = project.recipe, f"{SERIAL}.elf"
    absent = f"# {recipe.programs[0]} is not installed"
    if find_program(recipe.programs):
        return (build_command(project),), recipe.outputs
    if not _builds_itself(project):
        return (f"{absent}. {recipe.install}", build_command(project)), recipe.outputs
    line = f"{absent}: tinycomp builds with {recipe.instead}."
    return (line,), {"elf": project.build / own}


def _builds_itself(project: Project) -> bool:
    """Whether the project can be built here without its kind's tool."""
    return bool(project.recipe.instead) and kind_of(project.board).missing(project.board) is None


def build_program(project: Project, show: Callable[[str], None]) -> Mapping[str, Path]:
    """Build the serial program; return its files by format.

    Args:
        project: the project to build.
        show: receives the command before it runs.

    Raises:
        ToolError: the kind's tool is missing, or the program does not compile.
    """
    recipe, kind = project.recipe, kind_of(project.board)
    program = find_program(recipe.programs)
    if program is not None:
        show(build_command(project))
        run_tool((program, *recipe.arguments), ())
        return {form: path for form, path in recipe.outputs.items() if path.is_file()}
    if _builds_itself(project):
        built = kind.build(project.board, project.folder, project.prefix, project.build)
        if built is not None:
            return {"elf": built}
    raise ToolError(
        f"{project.folder} can't be built: {' or '.join(recipe.programs)} is not installed.",
        hint=f"{recipe.install} Or build it elsewhere and name the program with --image.",
    )


def given_program(image: Path) -> Mapping[str, Path]:
    """A prebuilt program, by the format of its suffix.

    Raises:
        ToolError: there is no such file, or its suffix is unknown.
    """
    form = image.suffix.lower().lstrip(".")
    if form not in ("elf", "hex", "bin", "uf2"):
        raise ToolError(
            f"'{image}' can't be flashed: its name ends in none of .elf, .hex, .bin and .uf2.",
            hint="Give the program that the project's build produced.",
        )
    if not image.is_file():
        raise ToolError(f"There is no file '{image}'.", hint="Check --image.")
    return {form: image}


def fitting(
    project: Project, tool: FlashTool, formats: tuple[str, ...], built: Mapping[str, Path],
    scratch: Path,
) -> Path:  # fmt: skip
    """The program in the first format that the tool reads, converted if needed, and checked against
    the board.

    Raises:
        BoardError: the program is not for the board.
        ToolError: the tool reads none of the available formats.
    """
    flash = project.board.flash
    assert flash is not None
    chosen = next((form for form in formats if form in built), None)
    checked = built["elf"] if "elf" in built else next(iter(built.values()), None)
    if chosen is None and (checked is None or not tool.converted or formats[0] == "elf"):
        raise ToolError(
            f"{project.board.name} is flashed from {' or '.join(formats)}, "
            f"but there is {', '.join(built) or 'nothing'}.",
            hint="Build the project again, or name the program with --image.",
        )
    for path in {path for path in (checked, built.get(chosen or "")) if path is not None}:
        check_image(project.board, tool, path)
    if chosen is not None:
        return built[chosen]
    assert checked is not None
    segments = read_image(checked, flash.address)
    path = scratch / f"{checked.stem}.{formats[0]}"
    return write_image(segments, path, flash.address, flash.uf2_family)


def further_parts(tool: FlashTool, folder: Path, made: Path) -> tuple[Part, ...]:
    """The files to write with a program.

    Args:
        tool: the flash tool.
        folder: the program's, where its build leaves them.
        made: the folder of those that tinycomp makes.
    """
    return tuple(
        replace(part, path=made / part.path.name) if part.path.name in tool.made() else part
        for part in tool.parts(folder)
    )


def existing(parts: Iterable[Part], firmware: Path, progress: Progress) -> tuple[Part, ...]:
    """The parts whose files exist; a note names the others."""
    wanted = tuple(parts)
    if absent := [part.path.name for part in wanted if not part.path.is_file()]:
        progress.note(
            f"{', '.join(absent)} is missing next to {firmware.name}: the board keeps its old one."
        )
    return tuple(part for part in wanted if part.path.is_file())
