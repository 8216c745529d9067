"""Bytes and lines over a serial port or a pseudo-terminal: the only importer of pyserial."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import serial

from tinycomp.common.errors import DeviceError

LINE_MAX = 100_000
POLL_SECONDS = 0.05


class Link:
    """An open line, 8N1, as text lines inwards and raw bytes outwards."""

    def __init__(self, port: str, *, baud: int = 115_200) -> None:
        """Open the port.

        Args:
            port: its name, as in /dev/ttyACM0, COM3 or a pseudo-terminal's path.
            baud: bits a second.

        Raises:
            DeviceError: there is no such port, or it can't be opened.
        """
        self.port = port
        self._received = bytearray()
        try:
            self._serial = serial.Serial(port, baud, timeout=POLL_SECONDS, write_timeout=10)
        except (OSError, ValueError) as error:
            raise DeviceError(
                f"Port {port} can't be opened ({error}).",
                hint="Check the name and the cable, and that no other program uses the port.",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port; another program may open it then."""
        self._serial.close()

    def write(self, data: bytes) -> None:
        """Send all bytes.

        Raises:
            DeviceError: the port is gone, or takes no bytes for 10 s.
        """
        try:
            self._serial.write(data)
        except OSError as error:
            raise self._gone(error) from error

    def read_line(self, deadline: float) -> str | None:
        """Return the next line without its end, bytes that are not ASCII as \\xNN.

        Args:
            deadline: time.monotonic() after which to give up.

        Returns:
            The line, or None when the deadline came first; what has come of it is kept.

        Raises:
            DeviceError: the port is gone.
        """
        searched = 0
        while True:
            end = self._received.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._received[:end])
                del self._received[: end + 1]
                return line.rstrip(b"\r").decode("ascii", "backslashreplace")
            searched = len(self._received)
            if searched > LINE_MAX:
                raise DeviceError(
                    f"The device on {self.port} sent {searched} bytes without the end of a line.",
                    hint="Check the baud rate, and that tinycomp's firmware runs on the board.",
                )
            if not self._fill(deadline):
                return None

    def partial(self) -> str:
        """Return the line that has not ended yet."""
        return self._received.decode("ascii", "backslashreplace")

    def _fill(self, deadline: float) -> bool:
        first = b""
        try:
            while not first and time.monotonic() < deadline:
                first = self._serial.read(1)
            if first:
                self._received += first + self._serial.read(self._serial.in_waiting)
        except OSError as error:
            raise self._gone(error) from error
        return bool(first)

    def _gone(self, error: OSError) -> DeviceError:
        return DeviceError(
            f"Port {self.port} went away ({error}).",
            hint="The board was unplugged or reset its USB, or the emulator ended: connect and "
            "try again.",
        )
