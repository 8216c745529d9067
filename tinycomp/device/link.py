"""Bytes and lines over a serial port or a pseudo-terminal; the only importer of pyserial."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from tinycomp.common.errors import DeviceError
from tinycomp.device.port_errors import cannot_open
from tinycomp.device.port_links import refuse_left_behind
from tinycomp.target.boards import BAUD

LINE_MAX = 100_000
"""Maximum bytes of a line; longer ones are not in the protocol."""
CHUNK = 4096
"""Maximum bytes per read."""
POLL_SECONDS = 0.05
WRITE_SECONDS = 10.0
STARTUP_SECONDS = 20.0


@dataclass(frozen=True)
class SerialPort:
    """Settings of a real board's connection."""

    name: str
    """For example /dev/ttyACM0 or COM3."""
    baud: int | None = None
    """Baud rate; None: the board's."""
    startup_seconds: float = STARTUP_SECONDS
    """Time to answer after opening the port: bootloaders run first."""
    reset: bool = True
    """Whether to raise DTR and RTS when opening the port, which resets many boards."""


class Stream(Protocol):
    """Byte stream of a line, such as an open port of pyserial. Errors are OSError."""

    @property
    def in_waiting(self) -> int:
        """Number of received bytes that can be read at once."""

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; waits for a short time, for one byte only."""

    def write(self, data: bytes) -> int | None:
        """Send all."""

    def close(self) -> None:
        """Release the port."""


Clock = Callable[[], float]
"""Monotonic time in seconds."""
PAUSE_SECONDS = 1.0


def waking(clock: Clock) -> Clock:
    """A clock that stands still while this process does not run: between two looks at it, at most
    PAUSE_SECONDS pass. So a device has its time to answer although the computer slept, or had no
    time for this process.
    """
    last = clock()
    elapsed = 0.0

    def now() -> float:
        nonlocal last, elapsed
        looked = clock()
        elapsed += min(looked - last, PAUSE_SECONDS)
        last = looked
        return elapsed

    return now


class Link:
    """An open line, 8N1: receives text lines, sends raw bytes."""

    def __init__(self, port: str, *, baud: int = BAUD, reset: bool = True) -> None:
        """Open the port.

        Args:
            port: its name: /dev/ttyACM0, COM3 or a pseudo-terminal's path.
            baud: the baud rate.
            reset: whether to raise DTR and RTS, as most programs do.

        Raises:
            DeviceError: there is no such port, or it can't be opened.
        """
        self._set(_opened(port, baud, reset), port, baud, waking(time.monotonic))

    @classmethod
    def over(cls, stream: Stream, *, port: str, clock: Clock, baud: int = BAUD) -> Self:
        """A line over an open stream.

        Args:
            stream: the bytes.
            port: name for messages.
            clock: for deadlines.
            baud: the baud rate.
        """
        link = cls.__new__(cls)
        link._set(stream, port, baud, clock)
        return link

    def _set(self, stream: Stream, port: str, baud: int, clock: Clock) -> None:
        self.port = port
        self.baud = baud
        self.now = clock
        self.line_max = LINE_MAX
        self._received = bytearray()
        self._stream = stream

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
        """Close the port, so that another program can open it."""
        self._stream.close()

    def write(self, data: bytes) -> None:
        """Send all bytes.

        Raises:
            DeviceError: the port is gone, or accepts no bytes for WRITE_SECONDS.
        """
        try:
            self._stream.write(data)
        except OSError as error:
            raise self._gone(error) from error

    def read_line(self, deadline: float) -> str | None:
        """Return the next line without its end, bytes that are not printable ASCII as \\xNN.

        Args:
            deadline: time of the link's clock at which to give up.

        Returns:
            The line, or None at the deadline; its beginning is kept.

        Raises:
            DeviceError: the port is gone, or the line does not end.
        """
        searched = 0
        while True:
            end = self._received.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._received[:end])
                del self._received[: end + 1]
                return _text(line.rstrip(b"\r"))
            searched = len(self._received)
            if searched > self.line_max:
                raise DeviceError(
                    f"The device on {self.port} sent {searched} bytes without the end of a line.",
                    hint="Check the baud rate, and that tinycomp's firmware runs on the board.",
                )
            if not self._fill(deadline):
                return None

    def partial(self) -> str:
        """Return the beginning of an incomplete line."""
        return _text(bytes(self._received))

    def _fill(self, deadline: float) -> bool:
        first = b""
        try:
            while not first and self.now() < deadline:
                first = self._stream.read(1)
            if first:
                more = min(max(self._stream.in_waiting, 0), CHUNK)
                self._received += first + self._stream.read(more)
        except OSError as error:
            raise self._gone(error) from error
        return bool(first)

    def _gone(self, error: OSError) -> DeviceError:
        return DeviceError(
            f"Port {self.port} went away ({error}).",
            hint="The board was unplugged or reset its USB, or the emulator ended: connect and "
            "try again.",
        )


def _opened(port: str, baud: int, reset: bool) -> Stream:
    import serial  # imported here: it needs termios, which not every system has

    refuse_left_behind(port)
    line = serial.Serial(timeout=POLL_SECONDS, write_timeout=WRITE_SECONDS, exclusive=True)
    try:
        line.port = port
        line.baudrate = baud
        if not reset:
            line.dtr = line.rts = False
        line.open()
    except _setup_errors() as error:
        raise cannot_open(port, error, f" at {baud} baud") from error
    opened: Stream = line
    return opened


def _setup_errors() -> tuple[type[Exception], ...]:
    """What pyserial raises if a port can't be set up; termios.error is no OSError."""
    found = (OSError, ValueError, OverflowError)
    try:
        import termios
    except ImportError:
        return found
    return (*found, termios.error)


def _text(line: bytes) -> str:
    """As text without control characters, which could affect a terminal."""
    text = line.decode("ascii", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
