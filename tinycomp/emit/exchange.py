"""Exchanges a whole folder for its new version by renaming, so that at every moment its path leads
to all of the old files or to all of the new ones.

The new version is made beside the folder, with hard links to the user's own files, and takes the
folder's place. Then the folder itself is brought up to date, unseen, and takes its place back:
programs that have it open, a shell inside it for instance, keep it. What is left of a process that
was killed is put right by `recover`, which also carries over what the user did meanwhile.
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
"""In the folder of an exchange: the new version while it is written; what takes turns with the
folder; the folder on its way, where two can't be exchanged at once.
"""


def create(folder: Path, work: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder that does not exist: written beside it, and renamed.

    Args:
        folder: its path, no link.
        work: where it is written, on the same file system; it is gone afterwards.
        files: contents by name.

    Raises:
        OSError: nothing has the folder's name then.
    """
    try:
        _write_all(work / _NEW, files)
        (work / _NEW).rename(folder)
    finally:
        _remove(work)


def exchange(folder: Path, work: Path, files: Mapping[str, bytes], stale: Collection[str]) -> None:
    """Write files into a folder and remove others.

    Args:
        folder: its path, no link.
        work: a folder for the exchange, on the same file system; it is gone afterwards.
        files: contents by name, the manifest among them.
        stale: names of files to be removed.

    Raises:
        OSError: the folder can't be exchanged: it is as it was.
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
        with suppress(OSError):  # else the new version stays in the folder's place
            _bring_up_to_date(swap, folder, files, known, stale)
            _swap(folder, swap, work / _ASIDE)
    finally:
        recover(folder, work)


def recover(folder: Path, work: Path) -> None:
    """Clean up after an exchange, whether it ended or was killed.

    Raises:
        OSError: something of the user's is left in `work` and can't be carried over.
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
    """Fill a folder with hard links to all files of another, but for some."""
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
    """The same permissions, but that of writing for the owner: the copy must be removable."""
    target.chmod(stat.S_IMODE(source.stat().st_mode) | stat.S_IRWXU)


def _link(source: Path, target: Path) -> None:
    """A hard link, or a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _bring_up_to_date(
    old: Path, new: Path, files: Mapping[str, bytes], known: Mapping[str, str],
    stale: Collection[str],
) -> None:  # fmt: skip
    """Make the old version equal to the new one, but for what the user changed at the last moment;
    its manifest comes last, so that until then it says what is tinycomp's.
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
    """Move what is the user's from a version that goes to the one that stays; of two versions of a
    file the one that was changed last.
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
    """Whether a file of a version that goes must take the place of the other version's."""
    there = is_there(target)
    if there and os.path.samestat(source.lstat(), target.lstat()):
        return False
    found = digest_of(source)
    if found is not None and found in (known, digest_of(target)):
        return False
    newer = there and source.lstat().st_mtime_ns > target.lstat().st_mtime_ns
    return not there or (newer and not target.is_dir())


def _swap(one: Path, other: Path, aside: Path) -> None:
    """Exchange two folders: at once where the system can, else in three steps of which `recover`
    undoes the first.
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
    """Exchange two folders by Linux's renameat2; False where there is no such thing."""
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
