"""Writes output folders and files: completely or not at all, and never over a user's files.

A manifest in the folder (manifest.py) lists tinycomp's files. A lock file beside the folder lets
one process write at a time; it first cleans up after a process that was killed.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinycomp.common.errors import OutputError
from tinycomp.common.locks import locked
from tinycomp.emit.exchange import create, exchange, recover
from tinycomp.emit.exchange_in_place import exchange_in_place, recover_in_place
from tinycomp.emit.manifest import (
    MANIFEST,
    Files,
    as_bytes,
    digest,
    digest_of,
    is_there,
    read_manifest,
    with_manifest,
)

__all__ = ["MANIFEST", "Files", "add_files", "read_manifest", "refuse_existing",
           "refuse_existing_file", "write_file", "write_folder"]  # fmt: skip

LOCK_SECONDS = 60.0
"""Seconds to wait for another process writing the same folder, which usually takes milliseconds."""
_LONGEST_NAME = 200


def write_folder(
    folder: Path,
    files: Files,
    *,
    force: bool = False,
    editable: Collection[str] = (),
    scope: Callable[[str], bool] = lambda name: True,
) -> tuple[str, ...]:
    """Write a folder: all files, or none.

    With force an existing folder is updated: files that tinycomp wrote before are replaced, or
    removed if they are no longer in `files`; everything else in the folder is kept.

    Args:
        folder: created with its parents if it does not exist.
        files: contents by name.
        force: whether the folder may exist.
        editable: files that users are meant to edit: edited ones are kept.
        scope: which files this call may replace and remove, by name; all by default.

    Returns:
        The editable files that were kept, because the user edited them.

    Raises:
        OutputError: the folder exists and force is not given; a file to write is not tinycomp's,
            or was changed since; the folder can't be written.
    """
    refuse_existing(folder, force=force)
    with _writing(folder) as place:
        refuse_existing(folder, force=force)  # again: another process may have been faster
        if place.folder.exists():
            return _update(place, files, editable, scope)
        create(place.folder, place.work, with_manifest(files, {}))
        return ()


def add_files(folder: Path, files: Files) -> None:
    """Add files to a folder written by write_folder, or replace them; its other files are kept.

    Raises:
        OutputError: a file of that name is not tinycomp's, or was changed since; the folder can't
            be written.
    """
    write_folder(folder, files, force=True, scope=lambda name: name in files)


def refuse_existing(folder: Path, *, force: bool) -> None:
    """Refuse an existing output folder, before any work is done.

    Raises:
        OutputError: it exists and force is not given; it is a file, or below one; it can't be
            written.
    """
    if is_there(folder) and not folder.is_dir():
        raise OutputError(f"Output folder {folder} is a file.", hint="Name another folder.")
    if not force and is_there(folder):
        raise OutputError(
            f"Output folder {folder} exists.",
            hint="Name another folder, or use --force to replace what tinycomp wrote there.",
        )
    _require_place(folder)


def _require_place(path: Path) -> None:
    """Refuse a path that can't be made or changed: below a file, or without permission."""
    existing = next(each for each in (path, *path.absolute().parents) if is_there(each))
    if not existing.is_dir():
        raise OutputError(
            f"'{path}' can't be written: '{existing}' is a file.", hint="Name another place."
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(
            f"'{path}' can't be written: there is no permission to write in '{existing}'.",
            hint="Change the folder's permissions, or name another place.",
        )


def refuse_existing_file(path: Path, *, force: bool) -> None:
    """Refuse a file that can't be written, before any work is done.

    Raises:
        OutputError: it exists and force is not given; it is a folder; its folder is missing.
    """
    if path.is_dir():
        raise OutputError(f"'{path}' is a folder.", hint="Name a file.")
    if path.exists() and not force:
        raise OutputError(
            f"'{path}' exists.", hint="Name another file, or use --force to replace it."
        )
    if not path.parent.is_dir():
        raise OutputError(f"There is no folder '{path.parent}'.", hint="Make it first.")
    _require_place(path.parent)


def write_file(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write a file completely, or not at all.

    Raises:
        OutputError: see refuse_existing_file; or it can't be written.
    """
    refuse_existing_file(path, force=force)
    partial = path.with_name(f".{_short(path.name)}.partial")
    try:
        with locked(path.with_name(f".{_short(path.name)}.tinycomp-lock"), LOCK_SECONDS):
            refuse_existing_file(path, force=force)
            partial.write_bytes(content)
            partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise OutputError(
            f"'{path}' can't be written: {error.strerror or error}.",
            hint="Check permissions and free space, or name another file.",
        ) from error


@dataclass(frozen=True)
class _Place:
    """The paths involved in writing a folder."""

    folder: Path
    """Its path, without links."""
    work: Path
    """A folder beside it, for its new version."""
    lock: Path
    """The lock file."""
    movable: bool
    """Whether the folder can be renamed."""


def _place(folder: Path) -> _Place:
    folder = folder.resolve()
    beside = folder.parent / f".{_short(folder.name)}.tinycomp"
    free = os.access(folder.parent, os.W_OK)
    movable = free and sys.platform != "win32" and not folder.is_mount()
    around = folder.parent if free or not folder.is_dir() else folder
    return _Place(folder, beside, around / f"{beside.name}-lock", movable)


def _short(name: str) -> str:
    """A name shortened to leave room for more characters in a file name."""
    data = name.encode()
    return name if len(data) <= _LONGEST_NAME else hashlib.sha256(data).hexdigest()


@contextmanager
def _writing(folder: Path) -> Iterator[_Place]:
    """Hold the folder's lock, and clean up after a process that was killed while holding it."""
    try:
        place = _place(folder)
        place.folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(place.lock, LOCK_SECONDS):
            recover(place.folder, place.work)
            recover_in_place(place.folder)
            yield place
    except TimeoutError as error:
        raise OutputError(
            f"Output folder {folder} is being written by another process.",
            hint="Wait until it is done, or name another folder.",
        ) from error
    except OSError as error:
        raise OutputError(
            f"Output folder {folder} can't be written: {error.strerror or error}.",
            hint="Nothing was changed. Check permissions and free space, or name another folder.",
        ) from error


def _update(
    place: _Place, files: Files, editable: Collection[str], scope: Callable[[str], bool]
) -> tuple[str, ...]:
    folder, known = place.folder, read_manifest(place.folder)
    wanted = {name: digest(as_bytes(content)) for name, content in files.items()}
    found = {name: digest_of(folder / name) for name in {*known, *files}}
    users = sorted(
        name for name in files
        if is_there(folder / name) and found[name] not in (known.get(name, ""), wanted[name])
    )  # fmt: skip
    _refuse_foreign(folder, [name for name in users if name not in editable])
    written = {name: content for name, content in files.items() if name not in users}
    stale = {name for name in known if scope(name) and found[name] == known[name]} - files.keys()
    others = {name: hashed for name, hashed in known.items() if not scope(name) or name in users}
    change = with_manifest(written, others)
    current = {**found, MANIFEST: digest_of(folder / MANIFEST)}
    change = {name: data for name, data in change.items() if digest(data) != current[name]}
    if change or stale:
        _exchange(place, change, stale)
    return tuple(users)


def _refuse_foreign(folder: Path, foreign: Collection[str]) -> None:
    if foreign:
        raise OutputError(
            f"Output folder {folder} holds files that are not as tinycomp wrote them: "
            f"{', '.join(foreign)}.",
            hint="Nothing was written. Move them away, name another folder, or replace the library "
            "alone (--library-only) where none of them belongs to it.",
        )


def _exchange(place: _Place, change: dict[str, bytes], stale: set[str]) -> None:
    """Write by renaming the folder; file by file if that is not possible."""
    if place.movable and not _leads_outside(place.folder, {*change, *stale}):
        try:
            exchange(place.folder, place.work, change, stale)
        except OSError:
            pass  # nothing was changed; a real error will occur again
        else:
            return
    exchange_in_place(place.folder, change, stale)


def _leads_outside(folder: Path, names: Collection[str]) -> bool:
    """Whether a folder in a file's path is a link, so that the file is somewhere else."""
    inner = {parent for name in names for parent in PurePosixPath(name).parents}
    return any((folder / parent).is_symlink() for parent in inner)
