"""Finds the folders that travel with the package: templates/, boards/ and firmware/.

A wheel holds them inside the package, a checkout beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def templates() -> Path:
    """The folder of templates."""
    return _folder("templates")


def boards() -> Path:
    """The folder of board files."""
    return _folder("boards")


def firmware() -> Path:
    """The folder of kernels, codecs, harness and ports."""
    return _folder("firmware")


def project_kinds() -> tuple[str, ...]:
    """The kinds of projects: folders of templates/projects."""
    return tuple(
        sorted(path.name for path in (templates() / "projects").iterdir() if path.is_dir())
    )


def read_firmware(name: str) -> str:
    """The text of one firmware file, by its name relative to firmware/ ("kernels/conv_2d.h")."""
    return (firmware() / name).read_text(encoding="utf-8")


def ports() -> tuple[str, ...]:
    """The names of all ports: folders under firmware/ports without subfolders."""
    root = firmware() / "ports"
    folders = [path for path in sorted(root.rglob("*")) if path.is_dir()]
    inner = {folder.parent for folder in folders}
    return tuple(str(path.relative_to(root).as_posix()) for path in folders if path not in inner)


def port_folders(name: str) -> tuple[Path, ...]:
    """The folders that make up a port: ports/a/b/c, and the parts shared with other ports in
    ports/a/b and ports/a.
    """
    root = firmware() / "ports"
    parts = name.split("/")
    return tuple(root.joinpath(*parts[:depth]) for depth in range(len(parts), 0, -1))


def port_files(name: str) -> tuple[Path, ...]:
    """All files of a port, by name."""
    files = [path for folder in port_folders(name) for path in folder.iterdir() if path.is_file()]
    return tuple(sorted(files, key=lambda path: path.name))


def _folder(name: str) -> Path:
    """The wheel's folder comes first, so an installed package never reads an unrelated folder."""
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(
        f"tinycomp is not installed completely: {name}/ is neither in nor beside {_PACKAGE}"
    )
