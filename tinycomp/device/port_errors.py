"""Why a serial port can't be opened."""

from __future__ import annotations

import errno
import os

from tinycomp.common.errors import DeviceError


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
    return DeviceError(
        f"Port {port} can't be opened{how} ({reason}).",
        hint="'tinycomp ports' lists the ports of boards. Check the name and the cable, and that "
        "no other program uses the port.",
    )
