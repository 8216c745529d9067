"""Replaces a whole folder by renaming, so that at any time its path has either all old files or all
new ones.

The new version is created beside the folder, with hard links to the user's files, and swapped with
it. Then the original folder is updated and swapped back, so that programs that have it open, such
as a shell in it, keep working. `recover` cleans up after a process that was killed, and keeps what
the user changed in the meantime.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from tinycomp.emit.manifest import MANIFEST, digest, digest_of, is_there, read_manifest

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
_NEW, _SWAP, _ASIDE = "new", "swap", "aside"
"""Names in the work folder: the new version while it is written; the version swapped with the
folder; the folder itself, if swapping takes three renames.
"""


def create(folder: Path, work: Path, files: Mapping[str, bytes]) -> None:
    """Create a folder: written beside its path, then renamed.

    Args:
        folder: its path, without links.
        work: folder for writing it, on the same file system; removed afterwards.
        files: contents by name.

    Raises:
        OSError: the folder was not created.
    """
    try:
        _write_all(work / _NEW, files)
        (work / _NEW).rename(folder)
    finally:
        _remove(work)


def exchange(folder: Path, work: Path, files: Mapping[str, bytes], stale: Collection[str]) -> None:
    """Write files into a folder and remove others.

    Args:
        folder: its path, without links.
        work: a folder for the exchange, on the same file system; removed afterwards.
        files: contents by name, including the manifest.
        stale: names of files to remove.

    Raises:
        OSError: the folder can't be exchanged; it is unchanged.
    """
    new, swap = work / _NEW, work / _SWAP
    known = read_manifest(folder)
    try:
        new.mkdir(parents=True)
        _link_all(folder, new, "", {*files, *stale})
        _copy_mode(folder, new)
        _write_all(new, files)
        new.rename(swap)
        _swap(folder, swap, work / _ASIDE)
    except BaseException:
        recover(folder, work)
        raise
    try:
        with suppress(OSError):  # else the new version stays at the folder's path
            _bring_up_to_date(swap, folder, files, known, stale)
            _swap(folder, swap, work / _ASIDE)
    finally:
        recover(folder, work)


def recover(folder: Path, work: Path) -> None:
    """Clean up after an exchange, whether it ended or was killed.

    Raises:
        OSError: a user's file in `work` can't be moved back.
    """
    for name in (_ASIDE, _SWAP):
        left = work / name
        if left.is_dir():
            if not is_there(folder):
                left.rename(folder)
            else:
                _carry_over(left, folder, read_manifest(left), "")
    _remove(work)


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _link_all(source: Path, target: Path, inner: str, left_out: Collection[str]) -> None:
    """Fill a folder with hard links to the files of another, except some."""
    with os.scandir(source) as entries:
        for entry in entries:
            name = f"{inner}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folder = target / entry.name
                folder.mkdir()
                _link_all(Path(entry.path), folder, f"{name}/", left_out)
                _copy_mode(Path(entry.path), folder)
                if any(file.startswith(f"{name}/") for file in left_out):
                    remove_empty(target, folder)
            elif name not in left_out:
                os.link(entry.path, target / entry.name, follow_symlinks=False)


def _copy_mode(source: Path, target: Path) -> None:
    """The same permissions, plus write permission for the owner: the copy must be removable."""
    target.chmod(stat.S_IMODE(source.stat().st_mode) | stat.S_IRWXU)


def _link(source: Path, target: Path) -> None:
    """A hard link, or a copy if the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _bring_up_to_date(
    old: Path, new: Path, files: Mapping[str, bytes], known: Mapping[str, str],
    stale: Collection[str],
) -> None:  # fmt: skip
    """Make the old version equal to the new one, except for last-moment changes by the user; the
    manifest is replaced last, so that until then it lists tinycomp's files.
    """
    for name in [*stale, *(name for name in files if name != MANIFEST), MANIFEST]:
        path = old / name
        if is_there(path):
            if name != MANIFEST and digest_of(path) not in (known.get(name), _digest(files, name)):
                continue
            path.unlink()
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            _link(new / name, path)
    for name in stale:
        remove_empty(old, (old / name).parent)


def _digest(files: Mapping[str, bytes], name: str) -> str | None:
    return digest(files[name]) if name in files else None


def remove_empty(folder: Path, inner: Path) -> None:
    """Remove folders that lost their last file, up to the output folder itself."""
    while inner != folder and inner.is_dir() and not any(inner.iterdir()):
        inner.rmdir()
        inner = inner.parent


def _carry_over(left: Path, folder: Path, known: Mapping[str, str], inner: str) -> None:
    """Move the user's files from the version to remove to the version to keep; of two versions of a
    file, the one changed last wins.
    """
    for source in list(left.iterdir()):
        name, target = f"{inner}{source.name}", folder / source.name
        if source.is_dir() and not source.is_symlink():
            if target.is_dir():
                _carry_over(source, target, known, f"{name}/")
            elif not is_there(target):
                target.mkdir()
                _carry_over(source, target, known, f"{name}/")
                if not any(target.iterdir()):
                    target.rmdir()
        elif name != MANIFEST and _is_users(source, target, known.get(name)):
            source.replace(target)


def _is_users(source: Path, target: Path, known: str | None) -> bool:
    """Whether a file of the version to remove must replace the other version's."""
    there = is_there(target)
    if there and os.path.samestat(source.lstat(), target.lstat()):
        return False
    found = digest_of(source)
    if found is not None and found in (known, digest_of(target)):
        return False
    newer = there and source.lstat().st_mtime_ns > target.lstat().st_mtime_ns
    return not there or (newer and not target.is_dir())


def _swap(one: Path, other: Path, aside: Path) -> None:
    """Swap two folders: atomically if the system can, else in three steps, the first of which
    `recover` undoes.
    """
    if _swapped(one, other):
        return
    one.rename(aside)
    try:
        other.rename(one)
    except BaseException:
        aside.rename(one)
        raise
    aside.rename(other)


def _swapped(one: Path, other: Path) -> bool:
    """Swap two folders by Linux's renameat2; False if it is not available."""
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    names = os.fsencode(one), os.fsencode(other)
    if library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(one))


def _remove(work: Path) -> None:
    if not work.is_dir():
        return
    for folder, inner, _ in os.walk(work):
        for name in inner:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(stat.S_IRWXU)
    shutil.rmtree(work)
