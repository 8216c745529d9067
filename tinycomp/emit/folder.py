"""Writes output folders and files: whole or not at all, and never over what is not tinycomp's.

A manifest in the folder lists every file that was written, with its hash. What is not in it, or
was changed since, is the user's.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from tinycomp import __version__
from tinycomp.common.errors import OutputError

MANIFEST = ".tinycomp-manifest.json"

Files = Mapping[str, str | bytes]
"""Contents by name relative to the folder, with slashes."""


def write_folder(folder: Path, files: Files, *, force: bool = False) -> None:
    """Write a folder: all files, or none.

    With force an existing folder is brought up to date: files that tinycomp wrote before are
    replaced, and removed where they are no longer among `files`; everything else in the folder
    stays as it is.

    Raises:
        OutputError: the folder exists and force is not given; a file to be written is not
            tinycomp's, or was changed since; the folder can't be written.
    """
    refuse_existing(folder, force=force)
    if folder.is_symlink() or folder.exists():
        _update(folder, files, replace=True)
    else:
        with _writing(folder):
            _create(folder, files)


def refuse_existing(folder: Path, *, force: bool) -> None:
    """Refuse an output folder that exists, before any work is done for it.

    Raises:
        OutputError: it exists and force is not given, or is a file.
    """
    if not force and (folder.is_symlink() or folder.exists()):
        raise OutputError(
            f"Output folder {folder} exists.",
            hint="Name another folder, or use --force to replace what tinycomp wrote there.",
        )
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"Output folder {folder} is a file.", hint="Name another folder.")


def refuse_existing_file(path: Path, *, force: bool) -> None:
    """Refuse a file that can't be made, before any work is done for it.

    Raises:
        OutputError: it exists and force is not given; a folder has its name; its folder is missing.
    """
    if path.is_dir():
        raise OutputError(f"'{path}' is a folder.", hint="Name a file.")
    if path.exists() and not force:
        raise OutputError(
            f"'{path}' exists.", hint="Name another file, or use --force to replace it."
        )
    if not path.parent.is_dir():
        raise OutputError(f"There is no folder '{path.parent}'.", hint="Make it first.")


def write_file(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write a file whole, or not at all.

    Raises:
        OutputError: as refuse_existing_file; or it can't be written.
    """
    refuse_existing_file(path, force=force)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise OutputError(
            f"'{path}' can't be written: {error.strerror or error}.",
            hint="Check permissions and free space, or name another file.",
        ) from error


def add_files(folder: Path, files: Files) -> None:
    """Add files to a folder that write_folder wrote, or replace them there; its other files stay.

    Raises:
        OutputError: a file of that name is not tinycomp's, or was changed since; the folder can't
            be written.
    """
    _update(folder, files, replace=False)


def read_manifest(folder: Path) -> dict[str, str]:
    """The files that tinycomp wrote into a folder, with the SHA-256 of each; empty where there is
    no manifest.

    Raises:
        OutputError: the manifest is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {_checked(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise OutputError(
            f"The manifest {path} is damaged.", hint="Name another folder, or remove this one."
        ) from error


def _create(folder: Path, files: Files) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        whole = Path(beside) / "whole"  # made here, so that it has the user's usual permissions
        whole.mkdir()
        for name, content in _with_manifest(files, {}).items():
            _write(whole / name, content)
        whole.rename(folder)


def _update(folder: Path, files: Files, *, replace: bool) -> None:
    if not folder.is_dir():
        raise OutputError(f"Output folder {folder} is a file.", hint="Name another folder.")
    known = read_manifest(folder)
    intact = {name for name, digest in known.items() if _digest_of(folder / name) == digest}
    foreign = [name for name in files if _is_there(folder / name) and name not in intact]
    if foreign:
        raise OutputError(
            f"Output folder {folder} holds files that are not as tinycomp wrote them: "
            f"{', '.join(sorted(foreign))}.",
            hint="Nothing was written. Move them away, or name another folder.",
        )
    kept = {} if replace else known
    stale = intact - files.keys() if replace else set()
    with _writing(folder):
        _exchange(folder, _with_manifest(files, kept), stale)


def _with_manifest(files: Files, kept: Mapping[str, str]) -> dict[str, str | bytes]:
    written = {_checked(name): _digest(_bytes(content)) for name, content in files.items()}
    digests = {**kept, **written}
    manifest = {"generator": f"tinycomp {__version__}", "files": dict(sorted(digests.items()))}
    return {**files, MANIFEST: json.dumps(manifest, indent=1) + "\n"}


def _exchange(folder: Path, files: Files, stale: set[str]) -> None:
    """Put new files in the place of old ones; on any error all old ones are put back."""
    done: list[tuple[Path, Path | None]] = []
    with tempfile.TemporaryDirectory(prefix=".tinycomp-", dir=folder) as beside:
        new, old = Path(beside) / "new", Path(beside) / "old"
        for name, content in files.items():
            _write(new / name, content)
        try:
            for name in [*sorted(stale), *files]:
                target = folder / name
                saved = _move(target, old / name) if target.exists() else None
                done.append((target, saved))
                if name in files:
                    _move(new / name, target)
        except BaseException:
            _put_back(done)
            raise
    for name in stale:
        _remove_empty(folder, (folder / name).parent)


def _put_back(done: list[tuple[Path, Path | None]]) -> None:
    for target, saved in reversed(done):
        if saved is not None:
            _move(saved, target)
        else:
            with suppress(OSError):  # where it never came to be
                target.unlink()


def _move(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return source.rename(target)


def _remove_empty(folder: Path, inner: Path) -> None:
    """Remove folders that lost their last file, up to the output folder itself."""
    while inner != folder and inner.is_dir() and not any(inner.iterdir()):
        inner.rmdir()
        inner = inner.parent


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"Output folder {folder} can't be written: {error.strerror or error}.",
            hint="Nothing was changed. Check permissions and free space, or name another folder.",
        ) from error


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_bytes(content))


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest_of(path: Path) -> str | None:
    """The hash of a file as it is now; None where there is none to be read."""
    try:
        return None if path.is_symlink() else _digest(path.read_bytes())
    except OSError:
        return None


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _checked(name: str) -> str:
    """The name itself; a manifest or a model must never lead out of the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or name != str(path) or name == MANIFEST:
        raise ValueError(f"{name!r} is not the name of a file inside the output folder")
    return name
