"""The grammar of docs/serial.md: commands, replies, synchronization.

A reply damaged on the line is requested again; a device that is silent, sends something else or
resets is a DeviceError, which says what was expected. Every reply is limited in time, lines and
bytes, so that no device can keep a host busy or fill its memory.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tinycomp.common.errors import DeviceError
from tinycomp.device.link import Link
from tinycomp.device.reply import DamagedReplyError, Reply, said, short

T = TypeVar("T")

REPLY_SECONDS = 5.0
COMMAND_SECONDS = 1.0
"""Average time limit of a command in a batch, in seconds."""
ATTEMPTS = 3
BOOT_LINES = ("m-timestamp-mode-", "m-init-done")
GARBAGE_LINES_MAX = 50
SYNC_SECONDS_MAX = 1.0
"""Time to wait for an answer before asking again, while the device may still be booting."""
BITS_A_BYTE = 10
"""Bits per byte with 8N1."""
SILENT_HINT = (
    "Check the port, the cable, the baud rate and that tinycomp's firmware is flashed; press the "
    "board's reset."
)
BOOT_HINT = "A board that boots slowly needs a longer --startup-timeout."


@dataclass(frozen=True)
class Limits:
    """Limits of a reply."""

    seconds: float = REPLY_SECONDS
    """Seconds until its end, without the time for sending its bytes."""
    lines: int = 100
    """Number of lines, without the last."""
    size: int = 20_000
    """Total bytes."""


class Conversation:
    """Commands and replies over a serial line."""

    def __init__(self, link: Link, *, startup_seconds: float) -> None:
        """Wait until the device answers, whatever its state."""
        self.link = link
        self.window = 0
        """Bytes that may be sent before reading replies; 0: one command at a time."""
        self._synchronize(startup_seconds)

    def command(self, text: str, limits: Limits | None = None) -> Reply:
        """Send one command; return its reply.

        Raises:
            DamagedReplyError: the device could not make sense of the command.
            DeviceError: it is silent, reset, or sends anything else, or more than the limits.
        """
        limits = limits or Limits(REPLY_SECONDS)
        self.link.write(f"{text}%".encode("ascii"))
        return self._reply(text, limits, self.link.now() + self._longest(limits))

    def retry(self, attempt: Callable[[], T]) -> T:
        """Call until the reply is undamaged, at most ATTEMPTS times."""
        for _ in range(ATTEMPTS - 1):
            try:
                return attempt()
            except DamagedReplyError:
                self._synchronize(REPLY_SECONDS)
        return attempt()

    def pipelined(self, commands: list[str]) -> Reply:
        """Send commands ahead of their replies, as the window allows; return the last reply."""
        sent = 0
        flying = 0
        reply = Reply(self.link.port, "", ())
        limits = Limits(REPLY_SECONDS)
        size = sum(len(command) + 1 for command in commands)
        end = self.link.now() + REPLY_SECONDS + self._wire_seconds(size)
        end += COMMAND_SECONDS * len(commands)
        for done, command in enumerate(commands):
            batch = bytearray()
            while sent < len(commands) and (
                sent == done or flying + len(commands[sent]) < self.window
            ):
                batch += f"{commands[sent]}%".encode("ascii")
                flying += len(commands[sent]) + 1
                sent += 1
            self.link.write(bytes(batch))
            reply = self._reply(command, limits, end)
            flying -= len(command) + 1
        return reply

    def _longest(self, limits: Limits) -> float:
        """Seconds within which a reply must end."""
        return limits.seconds + REPLY_SECONDS + self._wire_seconds(limits.size)

    def _wire_seconds(self, size: int) -> float:
        return size * BITS_A_BYTE / self.link.baud

    def _reply(self, text: str, limits: Limits, end: float) -> Reply:
        lines: list[str] = []
        garbage: list[str] = []
        size = 0
        start = self.link.now()
        deadline = start + limits.seconds
        while (line := self.link.read_line(min(deadline, end))) != "m-ready":
            if line is None:
                raise self._silent(text, self.link.now() - start, lines + garbage)
            if any(boot in line for boot in BOOT_LINES):
                raise self._reset(text, line)
            (lines if line.startswith(("m-", "e-[")) else garbage).append(line)
            size += len(line)
            if len(garbage) > GARBAGE_LINES_MAX:
                raise self._garbage(f"m-ready after '{short(text)}'", line)
            if len(lines) > limits.lines or size > limits.size:
                raise self._endless(text, limits, line)
            deadline = max(deadline, self.link.now() + REPLY_SECONDS)
        reply = Reply(self.link.port, text, tuple(lines))
        self._refuse_bad(reply, garbage)
        return reply

    def _refuse_bad(self, reply: Reply, garbage: list[str]) -> None:
        for line in reply.lines:
            if line.startswith("e-["):
                raise DamagedReplyError(
                    f"The device on {reply.port} refused '{short(reply.command)}': "
                    f"{short(line[3:].removesuffix(']'))}."
                )
        if garbage:
            raise reply.damaged("garbage", garbage[0])

    def _reset(self, text: str, line: str) -> DeviceError:
        return DeviceError(
            f"The device on {self.link.port} reset during '{short(text)}' (it sent "
            f"{short(line)!r}).",
            hint="Look at its supply, its watchdog and its stack: arena, stack and the core's own "
            "RAM must fit together.",
        )

    def _garbage(self, awaited: str, line: str) -> DeviceError:
        return DeviceError(
            f"The device on {self.link.port} answers garbage at {self.link.baud} baud: waited for "
            f"{awaited}, got {short(line)!r}.",
            hint="Check the baud rate (--baud) and that tinycomp's firmware is flashed. "
            + BOOT_HINT,
        )

    def _endless(self, text: str, limits: Limits, line: str) -> DeviceError:
        return DeviceError(
            f"The device on {self.link.port} does not stop answering '{short(text)}': at most "
            f"{limits.lines} lines or {limits.size} bytes were expected, the last is "
            f"{short(line)!r}.",
            hint="Flash the project that tinycomp wrote again, and reset the board.",
        )

    def _silent(self, text: str, seconds: float, lines: list[str]) -> DeviceError:
        partial = self.link.partial()
        heard = said([*lines, *[partial] * bool(partial)])
        return DeviceError(
            f"The device on {self.link.port} did not answer '{short(text)}': waited "
            f"{seconds:.1f} s for m-ready, got {heard}.",
            hint=SILENT_HINT,
        )

    def _synchronize(self, seconds: float) -> None:
        """Send tc sync with numbers that no earlier reply can contain, until one comes back."""
        end = self.link.now() + seconds
        heard: list[str] = []
        for attempt in itertools.count():
            nonce = secrets.token_hex(8)
            self.link.write(f"%tc sync {nonce}%".encode("ascii"))
            patience = min(0.5 + 0.25 * attempt, SYNC_SECONDS_MAX)
            if self._await_nonce(nonce, min(end, self.link.now() + patience), heard):
                return
            if self.link.now() >= end:
                raise self._never_synchronized(seconds, heard)

    def _await_nonce(self, nonce: str, deadline: float, heard: list[str]) -> bool:
        """Whether the answer and the end of its reply arrived."""
        answered = False
        while self.link.now() < deadline:
            line = self.link.read_line(deadline)
            if answered and line == "m-ready":
                return True
            if line == f"m-tc-sync-[{nonce}]":
                answered = True
                deadline = self.link.now() + REPLY_SECONDS
            elif line is not None:
                heard.append(line)
                del heard[:-GARBAGE_LINES_MAX]
        return False

    def _never_synchronized(self, seconds: float, heard: list[str]) -> DeviceError:
        waited, port = f"m-tc-sync for {seconds:g} s", self.link.port
        heard += [self.link.partial()] * bool(self.link.partial())
        if any(boot in line for line in heard for boot in BOOT_LINES):
            return DeviceError(
                f"The device on {port} started, but did not answer in time: waited for {waited}.",
                hint=BOOT_HINT,
            )
        if "m-ready" in heard:
            return DeviceError(
                f"The device on {port} speaks the protocol of MLPerf Tiny but does not answer as "
                f"tinycomp's firmware does: waited for {waited}, got {said(heard)}.",
                hint="Flash the project that tinycomp wrote.",
            )
        if heard:
            return self._garbage(waited, heard[-1])
        return DeviceError(
            f"The device on {port} is silent: waited for {waited}, got nothing.",
            hint=f"{SILENT_HINT} {BOOT_HINT}",
        )
