"""The grammar of docs/serial.md: commands, replies, finding the beginning again.

A reply that is damaged on the way may be asked for again; a device that is silent, talks of
something else or resets ends in a DeviceError that says what was waited for.
"""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from tinycomp.common.errors import DeviceError
from tinycomp.device.link import Link

T = TypeVar("T")

REPLY_SECONDS = 5.0
ATTEMPTS = 3
BOOT_LINES = ("m-timestamp-mode-", "m-init-done")
GARBAGE_LINES_MAX = 50
LINE_HINT = "Try a lower baud rate or a shorter cable."
SILENT_HINT = (
    "Check the port, the cable, the baud rate and that tinycomp's firmware is flashed; press the "
    "board's reset."
)


class DamagedReplyError(DeviceError):
    """A reply is an error line, or not what the protocol allows: worth another attempt."""


class Conversation:
    """Commands and replies over a line."""

    def __init__(self, link: Link, *, startup_seconds: float) -> None:
        """Wait until the device answers, whatever it was doing."""
        self.link = link
        self.window = 0
        """Bytes that may be sent ahead of the replies; 0: one command at a time."""
        self._synchronize(startup_seconds)

    def command(self, text: str, seconds: float = REPLY_SECONDS) -> list[str]:
        """Send one command; return the lines of its reply without the closing m-ready.

        Raises:
            DamagedReplyError: the device could not make sense of the command.
            DeviceError: it is silent, reset, or sends anything else.
        """
        self.link.write(f"{text}%".encode("ascii"))
        return self._reply(text, seconds)

    def retry(self, attempt: Callable[[], T]) -> T:
        """Call until the reply is undamaged, ATTEMPTS times at most."""
        for _ in range(ATTEMPTS - 1):
            try:
                return attempt()
            except DamagedReplyError:
                self._synchronize(REPLY_SECONDS)
        return attempt()

    def pipelined(self, commands: list[str]) -> list[str]:
        """Send commands ahead of their replies as the window allows; return the last reply."""
        sent = 0
        flying = 0
        lines: list[str] = []
        for done, command in enumerate(commands):
            batch = bytearray()
            while sent < len(commands) and (
                sent == done or flying + len(commands[sent]) < self.window
            ):
                batch += f"{commands[sent]}%".encode("ascii")
                flying += len(commands[sent]) + 1
                sent += 1
            self.link.write(bytes(batch))
            lines = self._reply(command, REPLY_SECONDS)
            flying -= len(command) + 1
        return lines

    def _reply(self, text: str, seconds: float) -> list[str]:
        lines: list[str] = []
        garbage: list[str] = []
        deadline = time.monotonic() + seconds
        while (line := self.link.read_line(deadline)) != "m-ready":
            if line is None:
                raise self._silent(text, seconds, lines + garbage)
            if any(boot in line for boot in BOOT_LINES):
                raise self._reset(text, line)
            (lines if line.startswith(("m-", "e-[")) else garbage).append(line)
            if len(garbage) > GARBAGE_LINES_MAX:
                raise self._garbage(f"m-ready after '{short(text)}'", line)
            deadline = max(deadline, time.monotonic() + REPLY_SECONDS)
        self._refuse_bad(text, lines, garbage)
        return lines

    def _refuse_bad(self, text: str, lines: list[str], garbage: list[str]) -> None:
        for line in lines:
            if line.startswith("e-["):
                raise DamagedReplyError(
                    f"The device on {self.link.port} refused '{short(text)}': {line[3:-1]}."
                )
        if garbage:
            raise DamagedReplyError(
                f"The device on {self.link.port} answered garbage to '{short(text)}': "
                f"{short(garbage[0])!r}.",
                hint=LINE_HINT,
            )

    def _reset(self, text: str, line: str) -> DeviceError:
        return DeviceError(
            f"The device on {self.link.port} reset during '{short(text)}' (it sent {line!r}).",
            hint="Look at its supply, its watchdog and its stack: arena, stack and the core's own "
            "RAM must fit together.",
        )

    def _garbage(self, awaited: str, line: str) -> DeviceError:
        return DeviceError(
            f"The device on {self.link.port} answers garbage: waited for {awaited}, got "
            f"{short(line)!r}.",
            hint="Check the baud rate and that tinycomp's firmware is flashed.",
        )

    def _silent(self, text: str, seconds: float, lines: list[str]) -> DeviceError:
        partial = self.link.partial()
        said = "; ".join([repr(short(line)) for line in lines[-3:] + [partial] * bool(partial)])
        return DeviceError(
            f"The device on {self.link.port} did not answer '{short(text)}': waited {seconds:g} s "
            f"for m-ready, got {said or 'nothing'}.",
            hint=SILENT_HINT,
        )

    def _synchronize(self, seconds: float) -> None:
        """Ask with numbers that no earlier reply can hold, until one comes back."""
        end = time.monotonic() + seconds
        heard: list[str] = []
        for attempt in itertools.count():
            nonce = secrets.token_hex(8)
            self.link.write(f"%tc sync {nonce}%".encode("ascii"))
            if self._await_nonce(nonce, min(end, time.monotonic() + 0.5 + 0.5 * attempt), heard):
                self.link.read_line(time.monotonic() + REPLY_SECONDS)
                return
            if time.monotonic() >= end:
                raise self._never_synchronized(seconds, heard)

    def _await_nonce(self, nonce: str, deadline: float, heard: list[str]) -> bool:
        while time.monotonic() < deadline:
            line = self.link.read_line(deadline)
            if line == f"m-tc-sync-[{nonce}]":
                return True
            if line is not None:
                heard.append(line)
                del heard[:-GARBAGE_LINES_MAX]
        return False

    def _never_synchronized(self, seconds: float, heard: list[str]) -> DeviceError:
        waited = f"m-tc-sync for {seconds:g} s"
        heard += [self.link.partial()] * bool(self.link.partial())
        if "m-ready" in heard:
            return DeviceError(
                f"The device on {self.link.port} speaks the protocol of MLPerf Tiny but is not "
                f"tinycomp's firmware: waited for {waited}.",
                hint="Flash the project that tinycomp wrote.",
            )
        if heard:
            return self._garbage(waited, heard[-1])
        return DeviceError(
            f"The device on {self.link.port} is silent: waited for {waited}, got nothing.",
            hint=SILENT_HINT,
        )


def only(lines: Iterable[str], pattern: str) -> str:
    """Return the group of the one line that matches the pattern.

    Raises:
        DamagedReplyError: no line does, or several.
    """
    found = [match[1] for line in lines if (match := re.fullmatch(pattern, line))]
    if len(found) != 1:
        raise DamagedReplyError(
            f"The device sent {len(found)} lines like {pattern}.", expected="Expected one."
        )
    return found[0]


def short(text: str) -> str:
    """Return text as it fits into a message."""
    return text if len(text) <= 60 else f"{text[:57]}..."
