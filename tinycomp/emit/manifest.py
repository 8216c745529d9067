"""The manifest of an output folder: the files written by tinycomp, with their hashes.

Any other file, or one changed since, is the user's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tinycomp import __version__
from tinycomp.common.errors import OutputError

MANIFEST = ".tinycomp-manifest.json"

Files = Mapping[str, str | bytes]
"""Contents by name relative to the folder, with slashes."""


def read_manifest(folder: Path) -> dict[str, str]:
    """The files that tinycomp wrote into a folder, with their SHA-256; empty without a manifest.

    Raises:
        OutputError: the manifest is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {checked(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise OutputError(
            f"The manifest {path} is damaged.", hint="Name another folder, or remove this one."
        ) from error


def with_manifest(files: Files, others: Mapping[str, str]) -> dict[str, bytes]:
    """Files as bytes, with a manifest of them and of others that exist already.

    Args:
        files: the files to write.
        others: hashes by name.
    """
    contents = {checked(name): as_bytes(content) for name, content in files.items()}
    digests = {**others, **{name: digest(content) for name, content in contents.items()}}
    manifest = {"generator": f"tinycomp {__version__}", "files": dict(sorted(digests.items()))}
    return {**contents, MANIFEST: (json.dumps(manifest, indent=1) + "\n").encode()}


def as_bytes(content: str | bytes) -> bytes:
    """A file's content as bytes."""
    return content.encode() if isinstance(content, str) else content


def digest(content: bytes) -> str:
    """The SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def digest_of(path: Path) -> str | None:
    """The current SHA-256 of a file; None if there is no readable regular file."""
    try:
        return None if path.is_symlink() else digest(path.read_bytes())
    except OSError:
        return None


def is_there(path: Path) -> bool:
    """Whether anything has this name, including a broken link."""
    return path.is_symlink() or path.exists()


def checked(name: str) -> str:
    """The name, checked: a manifest or a model must never refer to files outside the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or name != str(path) or name == MANIFEST:
        raise ValueError(f"{name!r} is not the name of a file inside the output folder")
    return name
