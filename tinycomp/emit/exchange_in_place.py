"""Writes files into a folder one by one, if the folder itself can't be renamed: a mount point, a
read-only parent, Windows.

A journal records the changes; `recover` undoes them if a process was killed. Until then the folder
is a mix of old and new files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from tinycomp.emit.exchange import remove_empty
from tinycomp.emit.manifest import digest, digest_of, is_there

WORK = ".tinycomp-work"
"""Subfolder of the output folder for the journal and for new and old files meanwhile."""
_JOURNAL = "journal.json"


def exchange_in_place(folder: Path, files: Mapping[str, bytes], stale: Collection[str]) -> None:
    """Write files into a folder and remove others; on any error everything is undone.

    Args:
        folder: an existing folder.
        files: contents by name.
        stale: names of files to remove.

    Raises:
        OSError: the folder is unchanged.
    """
    work = folder / WORK
    try:
        _stage(work, folder, files, stale)
        for name in [*sorted(stale), *files]:
            target = folder / name
            if is_there(target):
                _move(target, work / "old" / name)
            if name in files:
                _move(work / "new" / name, target)
        (work / _JOURNAL).unlink()
    finally:
        recover_in_place(folder)
    for name in stale:
        remove_empty(folder, (folder / name).parent)


def recover_in_place(folder: Path) -> None:
    """Undo the changes of a killed process, and remove its leftovers.

    Files that the user has changed since are kept.

    Raises:
        OSError: a file can't be moved back.
    """
    work = folder / WORK
    if not work.is_dir():
        return
    journal = work / _JOURNAL
    if journal.is_file():
        for name, (new, existed) in json.loads(journal.read_text(encoding="utf-8")).items():
            _put_back(folder, name, new, existed)
        journal.unlink()
    shutil.rmtree(work)


def _stage(work: Path, folder: Path, files: Mapping[str, bytes], stale: Collection[str]) -> None:
    """Write the new files, then the journal atomically."""
    entries = dict.fromkeys(stale, (None, True)) | {
        name: (digest(content), is_there(folder / name)) for name, content in files.items()
    }
    for name, content in files.items():
        path = work / "new" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    unfinished = work / f"{_JOURNAL}.partial"
    unfinished.write_text(json.dumps(entries), encoding="utf-8", newline="\n")
    unfinished.replace(work / _JOURNAL)


def _put_back(folder: Path, name: str, new: str | None, existed: bool) -> None:
    target, saved = folder / name, folder / WORK / "old" / name
    if not is_there(saved) and existed:
        return  # it was not touched
    if is_there(target) and digest_of(target) != new:
        return
    if is_there(saved):
        _move(saved, target)
    elif is_there(target):
        target.unlink()
        remove_empty(folder, target.parent)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
