"""Finds the folders that travel with the package: templates/, boards/ and firmware/.

A wheel holds them inside the package, a checkout beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def templates() -> Path:
    """The folder of templates."""
    return _folder("templates")


def boards() -> Path:
    """The folder of board files."""
    return _folder("boards")


def firmware() -> Path:
    """The folder of kernels, codecs, harness and ports."""
    return _folder("firmware")


def read_firmware(name: str) -> str:
    """The text of one firmware file, by its name relative to firmware/ ("kernels/conv_2d.h")."""
    return (firmware() / name).read_text(encoding="utf-8")


def _folder(name: str) -> Path:
    """The wheel's folder wins, so that an installed package never reads a stray neighbour."""
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(
        f"tinycomp is not installed completely: {name}/ lies neither in nor beside {_PACKAGE}"
    )
