"""Symbolic links to the ports of emulated boards, and which of them are left of killed servers.

A server holds a lock file beside its link for as long as it runs. A link whose lock nobody holds
may lead to a terminal that belongs to another program by now, so it is neither opened nor kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tinycomp.common.errors import DeviceError, OutputError
from tinycomp.common.locks import is_held, locked


def refuse_taken(link: Path) -> None:
    """Refuse the name of an existing file; a leftover link of an earlier run may be replaced.

    Raises:
        OutputError: a file or a folder has the name, another server keeps it, or there is no folder
            for it.
    """
    if is_held(_lock_of(link)):
        raise _kept(link)
    if not link.parent.is_dir():
        raise OutputError(f"There is no folder '{link.parent}'.", hint="Make it first.")
    free = not link.exists() and not link.is_symlink()
    if not free and not _left_behind(link):
        raise OutputError(
            f"'{link}' exists.", hint="Name another link, or remove it: another board may use it."
        )


def refuse_left_behind(port: str) -> None:
    """Refuse to open the link of a server that was killed.

    Raises:
        DeviceError: it is one.
    """
    link = Path(port)
    if link.is_symlink() and _left_behind(link):
        raise DeviceError(
            f"Port {port} is the link of a 'tinycomp serve' that has ended.",
            hint="Start it again, with the same --link.",
        )


def _left_behind(link: Path) -> bool:
    """Whether a link leads nowhere, or its server was killed."""
    if not link.is_symlink():
        return False
    lock = _lock_of(link)
    return not link.exists() or (lock.exists() and not is_held(lock))


@contextmanager
def linked(link: Path, port: str) -> Iterator[None]:
    """Keep a link to a port during the context.

    Raises:
        OutputError: it can't be created, or another server keeps it.
    """
    try:
        with locked(_lock_of(link), seconds=0):
            _replace(link, port)
            try:
                yield
            finally:
                _remove(link, port)
    except TimeoutError as error:
        raise _kept(link) from error


def _replace(link: Path, port: str) -> None:
    """At once: a client never sees a moment without a link."""
    fresh = link.with_name(f".{link.name}.tinycomp-new")
    try:
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(port)
        fresh.replace(link)
    except OSError as error:
        raise OutputError(f"'{link}' can't be made: {error.strerror or error}.") from error


def _remove(link: Path, port: str) -> None:
    with suppress(OSError):
        if str(link.readlink()) == port:
            link.unlink()


def _kept(link: Path) -> OutputError:
    return OutputError(
        f"Another 'tinycomp serve' keeps '{link}'.", hint="Name another link, or end the other one."
    )


def _lock_of(link: Path) -> Path:
    return link.with_name(f".{link.name}.tinycomp-lock")
