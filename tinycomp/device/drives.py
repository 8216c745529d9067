"""Finds the USB drives of boards by name."""

from __future__ import annotations

import getpass
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tinycomp.common.errors import DeviceError, ToolError


def mount_points() -> Iterator[Path]:
    """Folders where operating systems mount drives."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = ""
    yield from (Path("/media") / user, Path("/run/media") / user, Path("/media"), Path("/mnt"))
    yield Path("/Volumes")


def find_drive(label: str, advice: str | None) -> Path:
    """The folder of the only drive with a given name.

    Args:
        label: the name, "RPI-RP2"; systems append a number if there are two.
        advice: how to make the board show its drive.

    Raises:
        DeviceError: there is none, or there are several.
    """
    name = re.compile(re.escape(label) + r" ?\d*")
    folders = [folder for folder in mount_points() if folder.is_dir()]
    inside = [path for folder in folders for path in folder.iterdir()]
    found = sorted({path.resolve() for path in inside if name.fullmatch(path.name)})
    if len(found) == 1:
        return found[0]
    if not found:
        where = ", ".join(str(folder) for folder in mount_points())
        raise DeviceError(
            f"There is no drive {label}: looked in {where}.",
            hint=advice or "Connect the board, and mount its drive.",
        )
    raise DeviceError(
        f"Several drives may be the board: {', '.join(map(str, found))}.",
        hint="Unplug the others.",
    )


def copy_to(firmware: Path, drive: Path) -> None:
    """Copy a program to a drive, and flush it to the board.

    Raises:
        ToolError: it can't be written.
    """
    target = drive / firmware.name
    try:
        shutil.copyfile(firmware, target)
        if hasattr(os, "sync"):
            os.sync()
    except OSError as error:
        raise ToolError(
            f"'{target}' can't be written: {error.strerror or error}.",
            hint="Check that the drive is mounted and not full.",
        ) from error
