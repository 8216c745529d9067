"""Composes a project for a board's build tools: the generated library, an example, the harness and
the board's port.

A project is {file name: text}; folder.py writes it. Each kind of project is a module in projects/.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tinycomp import __version__
from tinycomp.common import resources
from tinycomp.emit.example import Example
from tinycomp.emit.packages._package import package_name, package_version
from tinycomp.emit.projects._kind import ProjectKind, ProjectPaths
from tinycomp.emit.projects._registry import project_kinds
from tinycomp.emit.render import render
from tinycomp.ir.tensor import Array
from tinycomp.options.build import Packaging
from tinycomp.target.boards import BAUD, Board

_OTHER_MAINS = ("host_runner.c",)
"""Programs of the harness that are not part of projects."""

HARNESS_MODEL = "tc_model.c"
"""The file that describes the library to the harness."""


@dataclass(frozen=True, eq=False)
class Content:
    """The contents of a project."""

    prefix: str
    """Prefix of the library's C names."""
    title: str
    """The model's name, safe in a comment."""
    model_hash: str
    """SHA-256 of the .tflite, hexadecimal."""
    library: Mapping[str, str]
    """The generated library's files by name."""
    harness_model: str
    """The text of tc_model.c."""
    sample: Array
    """One input tensor, of any shape."""
    class_names: tuple[str, ...] = ()
    """Empty if the outputs are not classes."""
    example: Example = field(default_factory=Example)
    """What the example prints."""
    outputs: int = 1
    """How many outputs the model has; the example prints the first."""
    keeps: bool = False
    """Whether inferences keep a state."""
    arithmetic: str = "int8"
    """Types of the activations: "int8", "int16", "int8 and int16"."""


def kind_of(board: Board) -> ProjectKind:
    """A board's kind of project."""
    return project_kinds()[board.project]


def project_paths(board: Board, prefix: str) -> ProjectPaths:
    """The locations of library, harness and port in a board's project."""
    return kind_of(board).paths(prefix)


def is_made_of_model(board: Board, prefix: str, name: str) -> bool:
    """Whether a file belongs to the library or depends on the model like it; the other files are
    the program around it.
    """
    kind, where = kind_of(board), project_paths(board, prefix)
    within = name.startswith(f"{where.library}/")
    return within or name in (kind.sample, f"{where.harness}/{HARNESS_MODEL}")


def lay_out(board: Board, content: Content) -> dict[str, str]:
    """All files of the project by name: build files, library, example, harness and port."""
    kind, where = kind_of(board), project_paths(board, content.prefix)
    files = {f"{where.library}/{name}": text for name, text in content.library.items()}
    files |= {f"{where.harness}/{name}": text for name, text in _harness(board)}
    files |= {
        f"{where.port}/{name}": text for name, text in _texts(resources.port_files(board.port))
    }
    files[f"{where.harness}/{HARNESS_MODEL}"] = content.harness_model
    context = project_context(board, content) | kind.context(board, content.prefix)
    if second := kind.further_port(board):
        name, folder = second
        own = resources.port_folders(name)[0]
        files |= {f"{folder}/{name}": text for name, text in _texts(own.iterdir())}
    templates = {**kind.templates, **kind.further(board, content.prefix)}
    for name, template in templates.items():
        files[name] = render(f"projects/{template}", context)
    if not kind.has_main:
        del files[f"{where.harness}/main.c"]
    return dict(sorted(files.items()))


def project_context(board: Board, content: Content) -> dict[str, object]:
    """Values for all templates of projects and packages."""
    return {
        "prefix": content.prefix,
        "macro": content.prefix.upper(),
        "title": content.title,
        "version": __version__,
        "model_hash": content.model_hash,
        "board": board,
        "settings": board.settings,
        "class_names": content.class_names,
        "output": "OUTPUT" if content.outputs == 1 else "OUTPUT_0",
        "example": content.example,
        "keeps": content.keeps,
        "arithmetic": content.arithmetic,
        "name": package_name(content.prefix),
        "url": Packaging().page(content.prefix),
        "package_version": package_version(__version__, content.model_hash),
        "sample_type": f"{content.sample.dtype}_t",
        "sample": textwrap.wrap(", ".join(map(str, content.sample.ravel().tolist())), 100),
    }


def _harness(board: Board) -> Iterator[tuple[str, str]]:
    """The harness's files, with the board's baud rate."""
    folder = resources.firmware() / "harness"
    for name, text in _texts(path for path in folder.iterdir() if path.name not in _OTHER_MAINS):
        yield name, text.replace(f"#define TC_BAUD {BAUD}\n", f"#define TC_BAUD {board.baud}\n")


def _texts(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Files by name, each with its text."""
    return ((path.name, path.read_text(encoding="utf-8")) for path in sorted(files))
