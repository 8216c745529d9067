"""A lock between processes: a file that its holder removes at the end.

The operating system releases the lock when its holder ends, even if it is killed. On a file system
without locks (some network drives) nothing is locked.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

POLL_SECONDS = 0.02
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def locked(path: Path, seconds: float = 60.0) -> Iterator[None]:
    """Hold a lock file for as long as the context lasts.

    Args:
        path: the file, in an existing folder; created here, and removed at the end.
        seconds: how long to wait for another process that holds it.

    Raises:
        TimeoutError: another process holds it for longer than that.
        OSError: the file can't be created.
    """
    deadline = time.monotonic() + seconds
    while (descriptor := _acquired(path)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process holds {path}")
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        _release(path, descriptor)


def is_held(path: Path) -> bool:
    """Whether another process holds a lock file now."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


def _acquired(path: Path) -> int | None:
    """The descriptor of the locked file; None while another process holds or just removed it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if _lock(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except FileNotFoundError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


if sys.platform == "win32":

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(path: Path, descriptor: int) -> None:
        """Windows does not remove an open file: it stays if a waiting process has it open."""
        os.close(descriptor)
        with suppress(OSError):
            path.unlink()

else:

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in _NO_LOCKS
        return True

    def _release(path: Path, descriptor: int) -> None:
        """Removed while still locked: a waiting process notices, and creates a new file."""
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)
