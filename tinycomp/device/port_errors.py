"""Why a serial port can't be opened."""

from __future__ import annotations

import errno
import os

from tinycomp.common.errors import DeviceError


def require_port(port: str) -> None:
    """Refuse a port that does not exist, before anything is compiled for its board.

    Names are files except on Windows, and except for pyserial's addresses (socket://...); those are
    known when they are opened.

    Raises:
        DeviceError: there is no such file.
    """
    if os.name == "posix" and "://" not in port and not os.path.exists(port):  # noqa: PTH110
        raise cannot_open(port, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))


def cannot_open(port: str, error: Exception, how: str = "") -> DeviceError:
    """The error for a port.

    Args:
        port: its name.
        error: what pyserial or the system raised.
        how: how it was opened, as text after "opened".
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EAGAIN, errno.EBUSY):
        return DeviceError(
            f"Port {port} is used by another program.", hint="End it, or use another port."
        )
    reason = os.strerror(number) if number else str(error)  # pyserial's own text has it twice
    shown = port or "''"
    return DeviceError(
        f"Port {shown} can't be opened{how} ({reason}).",
        hint="'tinycomp ports' lists the ports of boards. Check the name and the cable, and that "
        "no other program uses the port.",
    )
