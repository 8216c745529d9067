"""The client of docs/serial.md: one method a command, both layers. Every failure says what was waited for.

A reply that is damaged on the way is asked for again; a device that is silent, talks of something else, resets or runs
another build ends in a DeviceError.
"""

from __future__ import annotations

import itertools
import re
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.device.link import Link
from tinycomp.errors import DeviceError

T = TypeVar("T")

TENSOR_BYTES_A_COMMAND = 38
"""Of 80 characters, "tc " takes three."""
MLPERF_BYTES_A_COMMAND = 31
"""What the public runner of MLPerf Tiny sends."""
REPLY_SECONDS = 5.0
RUN_SECONDS = 120.0
ATTEMPTS = 3
BOOT_LINES = ("m-timestamp-mode-", "m-init-done")


class DamagedReplyError(DeviceError):
    """A reply was not what the protocol allows, or its CRC is wrong: worth another attempt."""


@dataclass(frozen=True)
class Identity:
    """What runs on the device. Sizes in bytes."""

    model: str
    hash: str
    """sha256 of the .tflite."""
    generator: str
    unit: str
    """Of ticks: "instructions", "cycles" or "microseconds"."""
    ticks_per_second: int
    """Of the device's own time, which under an emulator is not ours."""
    input: int
    output: int
    arena: int
    scratch: int
    nodes: int
    tensors: int
    window: int
    """Bytes that may be sent ahead of the replies; 0: one command at a time."""


@dataclass(frozen=True)
class Checksum:
    """A tensor in few bytes. Its parts came out of order if `crc` is None: read it to compare it."""

    size: int | None
    crc: int | None


@dataclass(frozen=True)
class Inference:
    """What `infer` of MLPerf Tiny reports: dequantized results and two timestamps in microseconds (32 bits)."""

    results: tuple[float, ...]
    start: int
    end: int
    runs: int

    @property
    def microseconds(self) -> float:
        """Of one run."""
        return ((self.end - self.start) & 0xFFFF_FFFF) / self.runs


class Device:
    """A device that runs tinycomp's harness. Methods raise DeviceError."""

    def __init__(
        self, link: Link, *, startup_seconds: float = 10.0, run_seconds: float = RUN_SECONDS
    ) -> None:
        """Wait for the device: an Arduino that resets when the port is opened needs 2 s.

        Args:
            link: open, and free for this object until it is closed.
            startup_seconds: how long the device may take to boot.
            run_seconds: how long one inference may take.
        """
        self.link = link
        self.run_seconds = run_seconds
        self._synchronize(startup_seconds)
        self.identity = self._retry(self._read_identity)

    # Layer 2: our own commands

    def expect_model(self, hash_of_model: str) -> None:
        """Refuse a device that runs another build."""
        if self.identity.hash != hash_of_model:
            raise DeviceError(
                f"The device on {self.link.port} runs model {self.identity.model!r} with sha256 "
                f"{self.identity.hash[:16]}..., not {hash_of_model[:16]}...",
                hint="Build the project of this model again and flash it.",
            )

    def load(self, tensor: NDArray[np.int8]) -> None:
        """Load the model's int8 input."""
        data = tensor.astype(np.int8, casting="safe").tobytes()
        self._retry(lambda: self._load(data))

    def run(self) -> int:
        """Run the measured inference once on the loaded input; return its ticks."""
        return self._retry(lambda: int(self._value("tc run", "run", self.run_seconds)))

    def output(self) -> NDArray[np.int8]:
        """Return the output of the last inference, flat."""
        return self._retry(lambda: self._tensor("tc output", "output"))

    def tensor(self, index: int) -> NDArray[np.int8]:
        """Run the watched inference; return all bytes of one tensor, flat, as they left their node."""
        return self._retry(lambda: self._tensor(f"tc tensor {index}", f"tensor {index}"))

    def checksums(self) -> list[Checksum]:
        """Run the watched inference; return size and CRC-32 (zlib's) of every tensor, the input first."""
        return self._retry(self._checksums)

    def node_ticks(self) -> list[int]:
        """Run the watched inference; return the ticks of every node."""
        return self._retry(self._node_ticks)

    def stack(self) -> int | None:
        """Run the measured inference; return its deepest stack in bytes, None where the port can't tell."""
        value = self._retry(lambda: self._value("tc stack", "stack", self.run_seconds))
        return None if value == "unknown" else int(value)

    # Layer 1: MLPerf Tiny

    def name(self) -> str:
        """Return the vendor."""
        return self._retry(lambda: _only(self.command("name"), r"m-name-dut-\[(.*)]"))

    def profile(self) -> tuple[str, str]:
        """Return the firmware's profile and the model's name in MLPerf Tiny."""
        lines = self.command("profile")
        return _only(lines, r"m-profile-\[(.*)]"), _only(lines, r"m-model-\[(.*)]")

    def timestamp(self) -> int:
        """Return the device's time in microseconds, modulo 2^32."""
        return self._retry(lambda: int(_only(self.command("timestamp"), r"m-lap-us-(\d+)")))

    def db_load(self, data: bytes) -> None:
        """Load the input as MLPerf Tiny's runner does, in the model's own input format."""
        self.command(f"db load {len(data)}")
        lines: list[str] = []
        for part in _parts(data, MLPERF_BYTES_A_COMMAND):
            lines = self.command(f"db {part.hex()}")
        _only(lines, r"(m-load-done)")

    def db_print(self) -> bytes:
        """Return what `db_load` brought."""
        lines = self.command("db print")
        return bytes.fromhex("".join(_only([line], r"m-buffer-(.*)") for line in lines))

    def infer(self, runs: int = 1, warm_up_runs: int = 10) -> Inference:
        """Run the measured inference."""
        seconds = self.run_seconds * (runs + warm_up_runs)
        lines = self.command(f"infer {runs} {warm_up_runs}", seconds)
        laps = [line for line in lines if line.startswith("m-lap-us-")]
        if len(laps) != 2:
            raise DamagedReplyError(f"'infer' replied {lines}.", expected="Two lines m-lap-us-.")
        start, end = (int(_only([lap], r"m-lap-us-(\d+)")) for lap in laps)
        return Inference(_results(lines), start, end, runs)

    def results(self) -> tuple[float, ...]:
        """Return the last inference's output, dequantized, with three decimals."""
        return self._retry(lambda: _results(self.command("results")))

    # The grammar

    def command(self, text: str, seconds: float = REPLY_SECONDS) -> list[str]:
        """Send one command; return the lines of its reply without the closing m-ready.

        Raises:
            DamagedReplyError: the device could not make sense of the command.
            DeviceError: it is silent, reset, or sends anything else.
        """
        self.link.write(f"{text}%".encode("ascii"))
        return self._reply(text, seconds)

    def _reply(self, text: str, seconds: float) -> list[str]:
        lines: list[str] = []
        deadline = time.monotonic() + seconds
        while (line := self.link.read_line(deadline)) != "m-ready":
            if line is None:
                raise self._silent(text, seconds, lines)
            if line.startswith(BOOT_LINES):
                raise DeviceError(
                    f"The device on {self.link.port} reset during '{text}' (it sent {line!r}).",
                    hint="Look at its supply, its watchdog and its stack: the arena, the stack and "
                    "the core's own RAM must fit together.",
                )
            lines.append(line)
            deadline = max(deadline, time.monotonic() + REPLY_SECONDS)
        for line in lines:
            if line.startswith("e-["):
                raise DamagedReplyError(
                    f"The device on {self.link.port} refused '{_short(text)}': {line[3:-1]}."
                )
        return lines

    def _silent(self, text: str, seconds: float, lines: list[str]) -> DeviceError:
        partial = self.link.partial()
        said = "; ".join([repr(_short(line)) for line in lines[-3:] + [partial] * bool(partial)])
        return DeviceError(
            f"The device on {self.link.port} did not answer '{_short(text)}': waited {seconds:g} s "
            f"for m-ready, got {said or 'nothing'}.",
            hint="Check the port, the baud rate and that tinycomp's firmware is flashed; press "
            "the board's reset.",
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
        while (line := self.link.read_line(deadline)) is not None:
            if line == f"m-tc-sync-[{nonce}]":
                return True
            heard.append(line)
            del heard[:-20]
        return False

    def _never_synchronized(self, seconds: float, heard: list[str]) -> DeviceError:
        port = self.link.port
        waited = f"waited {seconds:g} s for m-tc-sync"
        partial = self.link.partial()
        if any(line == "m-ready" for line in heard):
            return DeviceError(
                f"The device on {port} speaks the protocol of MLPerf Tiny but is not tinycomp's "
                f"firmware: {waited}.",
                hint="Flash the project that tinycomp wrote.",
            )
        if heard or partial:
            return DeviceError(
                f"The device on {port} answers garbage: {waited}, got "
                f"{_short(heard[-1] if heard else partial)!r}.",
                hint="Check the baud rate and that tinycomp's firmware is flashed.",
            )
        return DeviceError(
            f"The device on {port} is silent: {waited}, got nothing.",
            hint="Check the port, the cable, the baud rate and that tinycomp's firmware is "
            "flashed; press the board's reset.",
        )

    def _retry(self, attempt: Callable[[], T]) -> T:
        for _ in range(ATTEMPTS - 1):
            try:
                return attempt()
            except DamagedReplyError:
                self._synchronize(REPLY_SECONDS)
        return attempt()

    def _value(self, text: str, key: str, seconds: float = REPLY_SECONDS) -> str:
        return _only(self.command(text, seconds), rf"m-tc-{key}-\[(.*)]")

    def _read_identity(self) -> Identity:
        lines = self.command("tc info")

        def number(key: str) -> int:
            return int(_only(lines, rf"m-tc-{key}-\[(\d+)]"))

        return Identity(
            model=_only(lines, r"m-tc-model-\[(.*)]"),
            hash=_only(lines, r"m-tc-hash-\[(.*)]"),
            generator=_only(lines, r"m-tc-generator-\[(.*)]"),
            unit=_only(lines, r"m-tc-unit-\[(instructions|cycles|microseconds)]"),
            ticks_per_second=number("ticks-per-second"),
            input=number("input"),
            output=number("output"),
            arena=number("arena"),
            scratch=number("scratch"),
            nodes=number("nodes"),
            tensors=number("tensors"),
            window=number("window"),
        )

    def _load(self, data: bytes) -> None:
        crc = zlib.crc32(data)
        parts = [f"tc {part.hex()}" for part in _parts(data, TENSOR_BYTES_A_COMMAND)]
        lines = self._pipelined([f"tc load {len(data)} {crc:08x}", *parts])
        _only(lines, rf"m-tc-loaded-\[({crc:08x})]")

    def _pipelined(self, commands: list[str]) -> list[str]:
        """Send commands ahead of their replies as far as the window allows; return the last reply."""
        sent = 0
        flying = 0
        lines: list[str] = []
        for done, command in enumerate(commands):
            batch = bytearray()
            while sent < len(commands) and (
                sent == done or flying + len(commands[sent]) < self.identity.window
            ):
                batch += f"{commands[sent]}%".encode("ascii")
                flying += len(commands[sent]) + 1
                sent += 1
            self.link.write(bytes(batch))
            lines = self._reply(command, REPLY_SECONDS)
            flying -= len(command) + 1
        return lines

    def _tensor(self, text: str, what: str) -> NDArray[np.int8]:
        lines = self.command(text, self.run_seconds)
        size, crc = _only(lines, r"m-tc-sent-\[(\d+,[0-9a-f]{8})]").split(",")
        parts = list(_data_parts(lines[:-1]))
        if sum(len(part) for _, part in parts) != int(size) or _crc_of(parts) != int(crc, 16):
            raise DamagedReplyError(
                f"The device on {self.link.port} sent {what} with a wrong CRC-32, {ATTEMPTS} times.",
                hint="Try a lower baud rate or a shorter cable.",
            )
        result = np.zeros(max((offset + len(part) for offset, part in parts), default=0), np.int8)
        for offset, part in parts:
            result[offset : offset + len(part)] = np.frombuffer(part, np.int8)
        return result

    def _checksums(self) -> list[Checksum]:
        lines = self.command("tc checksums", self.run_seconds)
        pattern = r"m-tc-checksum-\[(\d+),(?:(\d+),([0-9a-f]{8})|unordered)]"
        found = self._numbered(lines, pattern, self.identity.tensors)
        return [
            Checksum(int(match[2]), int(match[3], 16)) if match[2] else Checksum(None, None)
            for match in found
        ]

    def _node_ticks(self) -> list[int]:
        lines = self.command("tc nodes", self.run_seconds)
        found = self._numbered(lines, r"m-tc-node-\[(\d+),(\d+)]", self.identity.nodes)
        return [int(match[2]) for match in found]

    def _numbered(self, lines: list[str], pattern: str, count: int) -> list[re.Match[str]]:
        """One line for each number from 0 on, in order."""
        found = [match for line in lines if (match := re.fullmatch(pattern, line))]
        if [int(match[1]) for match in found] != list(range(count)):
            raise DamagedReplyError(
                f"The device on {self.link.port} sent {len(found)} good lines of {count}.",
                hint="Try a lower baud rate or a shorter cable.",
            )
        return found


def _parts(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def _data_parts(lines: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    for line in lines:
        match = re.fullmatch(r"m-tc-data-\[(\d+),((?:[0-9a-f]{2})+)]", line)
        if match is None:
            raise DamagedReplyError(f"Garbage within a tensor: {_short(line)!r}.")
        yield int(match[1]), bytes.fromhex(match[2])


def _crc_of(parts: Iterable[tuple[int, bytes]]) -> int:
    crc = 0
    for _, part in parts:
        crc = zlib.crc32(part, crc)
    return crc


def _only(lines: Iterable[str], pattern: str) -> str:
    """Return the group of the one line that matches."""
    found = [match[1] for line in lines if (match := re.fullmatch(pattern, line))]
    if len(found) != 1:
        raise DamagedReplyError(
            f"The device sent {len(found)} lines like {pattern}.", expected="Expected one."
        )
    return found[0]


def _results(lines: Iterable[str]) -> tuple[float, ...]:
    text = _only(lines, r"m-results-\[([-0-9.,]*)]")
    return tuple(float(value) for value in text.split(",") if value)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
