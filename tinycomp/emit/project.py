"""Lays out what a board's own tools build: the generated library, an example, the harness and the
board's port.

A layout is {file name: text}; folder.py writes it. Board kinds differ in where things lie and in
their build files only.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinycomp import __version__
from tinycomp.common import resources
from tinycomp.emit.render import render
from tinycomp.target.boards import Board

_OTHER_MAINS = ("host_runner.c",)
"""Programs of the harness that no project builds."""


@dataclass(frozen=True, eq=False)
class Content:
    """What a project is made of.

    prefix: of the library's C names. title: the model's name, safe in a comment. library: the
    generated library's files. harness_model: tc_model.c. sample: one input tensor, int8, any
    shape. class_names: empty where the outputs are not classes.
    """

    prefix: str
    title: str
    model_hash: str
    library: Mapping[str, str]
    harness_model: str
    sample: NDArray[np.int8]
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProjectPaths:
    """Where things lie in a project, relative to its folder, with slashes."""

    library: str
    harness: str
    port: str


def project_paths(board: Board, prefix: str) -> ProjectPaths:
    """Where the library, the harness and the port of a board's project lie."""
    if board.project == "arduino":
        return ProjectPaths("src", "examples/serial/src", "examples/serial/src")
    if board.project == "platformio":
        return ProjectPaths(f"lib/{prefix}/src", "src/serial", "src/serial")
    return ProjectPaths("library", "harness", "port")


def lay_out(board: Board, content: Content) -> dict[str, str]:
    """All files of the project by name: build files, library, example, harness and port."""
    where = project_paths(board, content.prefix)
    kind = {"arduino": _arduino, "platformio": _platformio, "makefile": _makefile}[board.project]
    files = {f"{where.library}/{name}": text for name, text in content.library.items()}
    files |= {f"{where.harness}/{name}": text for name, text in _harness()}
    files |= {
        f"{where.port}/{name}": text for name, text in _texts(resources.port_files(board.port))
    }
    files[f"{where.harness}/tc_model.c"] = content.harness_model
    context = _context(board, content)
    files |= kind(lambda template: render(f"projects/{template}", context))
    if board.project != "makefile":  # their port has a main of its own
        del files[f"{where.harness}/main.c"]
    return dict(sorted(files.items()))


_Render = Callable[[str], str]


def _arduino(render: _Render) -> dict[str, str]:
    return {
        "library.properties": render("arduino/library.properties.j2"),
        "README.md": render("arduino/README.md.j2"),
        "examples/once/once.ino": render("once.cpp.j2"),
        "examples/once/sample.h": render("sample.h.j2"),
        "examples/serial/serial.ino": render("serial.cpp.j2"),
    }


def _platformio(render: _Render) -> dict[str, str]:
    return {
        "platformio.ini": render("platformio/platformio.ini.j2"),
        "README.md": render("platformio/README.md.j2"),
        "src/once/main.cpp": render("once.cpp.j2"),
        "src/once/sample.h": render("sample.h.j2"),
        "src/serial/main.cpp": render("serial.cpp.j2"),
    }


def _makefile(render: _Render) -> dict[str, str]:
    return {
        "Makefile": render("makefile/Makefile.j2"),
        "README.md": render("makefile/README.md.j2"),
    }


def _context(board: Board, content: Content) -> dict[str, object]:
    return {
        "prefix": content.prefix,
        "macro": content.prefix.upper(),
        "title": content.title,
        "version": __version__,
        "model_hash": content.model_hash,
        "board": board,
        "class_names": content.class_names,
        "sample": textwrap.wrap(", ".join(map(str, content.sample.ravel().tolist())), 100),
        "server": "src/server.h" if board.project == "arduino" else "server.h",
        "link_flags": link_flags(board.port, ["port"]),
        "run": _run(board, content.prefix),
        "run_help": f"runs it under {board.emulator.program}" if board.emulator else "runs it",
    }


def link_flags(port: str, folders: Sequence[str | Path]) -> tuple[str, ...]:
    """The linker's flags for a port; `folders` is where the command line finds its files.

    A port with a linker script brings its own startup code.
    """
    if not any(path.name == "link.ld" for path in resources.port_files(port)):
        return ("-lm",)
    return ("-nostartfiles", *(f"-L{folder}" for folder in folders), "-Tlink.ld", "-lm")


def _run(board: Board, prefix: str) -> str:
    """The shell command that starts the program with its line on the terminal."""
    program = f"build/{prefix}.elf"
    if board.emulator is None:
        return f"./{program}"
    emulator = board.emulator
    cpu = ["-cpu", emulator.cpu] if emulator.cpu else []
    command = [emulator.program, "-M", emulator.machine, *cpu, *emulator.args]
    return " ".join([*command, "-nographic", "-kernel", program])


def _harness() -> Iterator[tuple[str, str]]:
    folder = resources.firmware() / "harness"
    return _texts(path for path in folder.iterdir() if path.name not in _OTHER_MAINS)


def _texts(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Files by name, each with its text."""
    return ((path.name, path.read_text(encoding="utf-8")) for path in sorted(files))
