"""A folder for what a call needs as files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from tinycomp.common.errors import TinycompError

_PREFIX = "tinycomp-"
_BUILD = "build"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder. Errors name the files in it without the folder, which users never see."""
    with TemporaryDirectory(prefix=_PREFIX) as name:
        try:
            yield Path(name)
        except TinycompError as error:
            inside = f"{name}{os.sep}"
            error.what, error.expected, error.hint = (
                part.replace(inside, "") for part in (error.what, error.expected, error.hint)
            )
            error.args = (str(error).replace(inside, ""), *error.args[1:])
            raise


@contextmanager
def output_folder(wanted: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The folder that a build is written to: the user's, or one in a temporary folder, which is
    removed if the build fails.
    """
    if wanted is not None:
        yield Path(wanted)
        return
    temporary = mkdtemp(prefix=_PREFIX)
    try:
        yield Path(temporary) / _BUILD
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
