"""Lays out packages of a library, each in its own folder: packages/<kind>/<name>/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tinycomp import __version__
from tinycomp.emit.packages._package import package_name, package_version
from tinycomp.emit.packages._registry import packages
from tinycomp.emit.project import Content, project_context
from tinycomp.emit.render import render
from tinycomp.options.build import Packaging
from tinycomp.target.boards import Board

FOLDER = "packages"
"""Where packages are in an output folder."""


def package_files(board: Board, content: Content, packaging: Packaging) -> dict[str, str]:
    """The files of all packages by name, relative to the output folder.

    Args:
        board: the board that the library is built for; its compiler flags are used.
        content: the library and its example.
        packaging: which packages.
    """
    files: dict[str, str] = {}
    for kind in packaging.names:
        folder = f"{FOLDER}/{kind}/{package_name(content.prefix)}"
        files |= {
            f"{folder}/{name}": text
            for name, text in _package(kind, board, content, packaging).items()
        }
    return files


def package_notes(board: Board, packaging: Packaging, prefix: str) -> Iterator[str]:
    """What to know about packages: a board whose core a kind is not for, and a missing web page.

    Args:
        board: the board that the library is built for.
        packaging: which packages.
        prefix: of the library's names.
    """
    for kind in packaging.names:
        package = packages()[kind]
        if not package.fits(board):
            yield (
                f"The package for {kind} has the kernels of {board.name} ({board.cpu}), but is for "
                f"cores {', '.join(f'{core}*' for core in package.cores)}: it gives the same "
                "outputs there, not as fast. Name such a board with --board."
            )
    if packaging.names and packaging.url is None:
        page = packaging.page(prefix)
        yield f"The packages name {page} as their web page: give yours with --package-url."


def _package(kind: str, board: Board, content: Content, packaging: Packaging) -> Mapping[str, str]:
    package, prefix = packages()[kind], content.prefix
    names = sorted(content.library)
    context = {
        **project_context(board, content),
        "name": package_name(prefix),
        "url": packaging.page(prefix),
        "sources": [f"{package.library}/{name}" for name in names if name.endswith(".c")],
        "headers": [f"{package.library}/{name}" for name in names if name.endswith(".h")],
        "library": package.library,
        "generator": __version__,
        "package_version": package_version(__version__, content.model_hash),
    }
    files = {f"{package.library}/{name}": text for name, text in content.library.items()}
    for name, template in package.templates.items():
        files[name.format(prefix=prefix)] = render(template, context)
    return files
