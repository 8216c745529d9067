"""The client of docs/serial.md: one method a command, both layers.

A reply that is damaged on the way is asked for again (conversation.py).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import DeviceError
from tinycomp.device.conversation import (
    LINE_HINT,
    REPLY_SECONDS,
    Conversation,
    DamagedReplyError,
    only,
    short,
)
from tinycomp.device.link import Link

TENSOR_BYTES_A_COMMAND = 38
"""Of 80 characters, "tc " takes three."""
MLPERF_BYTES_A_COMMAND = 31
"""What the public runner of MLPerf Tiny sends."""
RUN_SECONDS = 120.0


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
    """A tensor in few bytes. None: its parts came out of order, so read it to compare it."""

    size: int | None
    crc: int | None


@dataclass(frozen=True)
class Inference:
    """What `infer` of MLPerf Tiny reports: dequantized results, two times in us modulo 2^32."""

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
        self._talk = Conversation(link, startup_seconds=startup_seconds)
        self.identity = self._talk.retry(self._read_identity)
        self._talk.window = self.identity.window

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
        self._talk.retry(lambda: self._load(data))

    def run(self) -> int:
        """Run the measured inference once on the loaded input; return its ticks."""
        return self._talk.retry(lambda: int(self._value("tc run", "run", self.run_seconds)))

    def output(self) -> NDArray[np.int8]:
        """Return the output of the last inference, flat."""
        return self._talk.retry(lambda: self._tensor("tc output", "output"))

    def tensor(self, index: int) -> NDArray[np.int8]:
        """Run the watched inference; return one tensor, flat, as it left its node."""
        return self._talk.retry(lambda: self._tensor(f"tc tensor {index}", f"tensor {index}"))

    def checksums(self) -> list[Checksum]:
        """Run the watched inference; return every tensor's checksum, the input's first."""
        return self._talk.retry(self._checksums)

    def node_ticks(self) -> list[int]:
        """Run the watched inference; return the ticks of every node."""
        return self._talk.retry(self._node_ticks)

    def stack(self) -> int | None:
        """Run the measured inference; return its deepest stack in bytes, None if unknown."""
        value = self._talk.retry(lambda: self._value("tc stack", "stack", self.run_seconds))
        return None if value == "unknown" else int(value)

    # Layer 1: MLPerf Tiny

    def name(self) -> str:
        """Return the vendor."""
        return self._talk.retry(lambda: only(self._talk.command("name"), r"m-name-dut-\[(.*)]"))

    def profile(self) -> tuple[str, str]:
        """Return the firmware's profile and the model's name in MLPerf Tiny."""
        lines = self._talk.command("profile")
        return only(lines, r"m-profile-\[(.*)]"), only(lines, r"m-model-\[(.*)]")

    def timestamp(self) -> int:
        """Return the device's time in microseconds, modulo 2^32."""
        return self._talk.retry(
            lambda: int(only(self._talk.command("timestamp"), r"m-lap-us-(\d+)"))
        )

    def db_load(self, data: bytes) -> None:
        """Load the input as MLPerf Tiny's runner does, in the model's own input format."""
        self._talk.command(f"db load {len(data)}")
        lines: list[str] = []
        for part in _parts(data, MLPERF_BYTES_A_COMMAND):
            lines = self._talk.command(f"db {part.hex()}")
        only(lines, r"(m-load-done)")

    def db_print(self) -> bytes:
        """Return what `db_load` brought."""
        lines = self._talk.command("db print")
        return b"".join(
            bytes.fromhex(only([line], r"m-buffer((?:-[0-9a-f]{2})+)").replace("-", ""))
            for line in lines
        )

    def infer(self, runs: int = 1, warm_up_runs: int = 10) -> Inference:
        """Run the measured inference."""
        seconds = self.run_seconds * (runs + warm_up_runs)
        lines = self._talk.command(f"infer {runs} {warm_up_runs}", seconds)
        laps = [line for line in lines if line.startswith("m-lap-us-")]
        if len(laps) != 2:
            raise DamagedReplyError(f"'infer' replied {lines}.", expected="Two lines m-lap-us-.")
        start, end = (int(only([lap], r"m-lap-us-(\d+)")) for lap in laps)
        return Inference(_results(lines), start, end, runs)

    def results(self) -> tuple[float, ...]:
        """Return the last inference's output, dequantized, with three decimals."""
        return self._talk.retry(lambda: _results(self._talk.command("results")))

    def _value(self, text: str, key: str, seconds: float = REPLY_SECONDS) -> str:
        return only(self._talk.command(text, seconds), rf"m-tc-{key}-\[(.*)]")

    def _read_identity(self) -> Identity:
        lines = self._talk.command("tc info")

        def number(key: str) -> int:
            return int(only(lines, rf"m-tc-{key}-\[(\d+)]"))

        return Identity(
            model=only(lines, r"m-tc-model-\[(.*)]"),
            hash=only(lines, r"m-tc-hash-\[(.*)]"),
            generator=only(lines, r"m-tc-generator-\[(.*)]"),
            unit=only(lines, r"m-tc-unit-\[(instructions|cycles|microseconds)]"),
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
        lines = self._talk.pipelined([f"tc load {len(data)} {crc:08x}", *parts])
        only(lines, rf"m-tc-loaded-\[({crc:08x})]")

    def _tensor(self, text: str, what: str) -> NDArray[np.int8]:
        lines = self._talk.command(text, self.run_seconds)
        size, crc = only(lines, r"m-tc-sent-\[(\d+,[0-9a-f]{8})]").split(",")
        parts = list(_data_parts(lines[:-1]))
        if sum(len(part) for _, part in parts) != int(size) or _crc_of(parts) != int(crc, 16):
            raise DamagedReplyError(
                f"The device on {self.link.port} sent {what} with a wrong CRC-32.",
                hint=LINE_HINT,
            )
        result = np.zeros(max((offset + len(part) for offset, part in parts), default=0), np.int8)
        for offset, part in parts:
            result[offset : offset + len(part)] = np.frombuffer(part, np.int8)
        return result

    def _checksums(self) -> list[Checksum]:
        lines = self._talk.command("tc checksums", self.run_seconds)
        pattern = r"m-tc-checksum-\[(\d+),(?:(\d+),([0-9a-f]{8})|unordered)]"
        found = self._numbered(lines, pattern, self.identity.tensors)
        return [
            Checksum(int(match[2]), int(match[3], 16)) if match[2] else Checksum(None, None)
            for match in found
        ]

    def _node_ticks(self) -> list[int]:
        lines = self._talk.command("tc nodes", self.run_seconds)
        found = self._numbered(lines, r"m-tc-node-\[(\d+),(\d+)]", self.identity.nodes)
        return [int(match[2]) for match in found]

    def _numbered(self, lines: list[str], pattern: str, count: int) -> list[re.Match[str]]:
        """One line for each number from 0 on, in order."""
        found = [match for line in lines if (match := re.fullmatch(pattern, line))]
        if [int(match[1]) for match in found] != list(range(count)):
            raise DamagedReplyError(
                f"The device on {self.link.port} sent {len(found)} good lines of {count}.",
                hint=LINE_HINT,
            )
        return found


def _parts(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def _data_parts(lines: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    for line in lines:
        match = re.fullmatch(r"m-tc-data-\[(\d+),((?:[0-9a-f]{2})+)]", line)
        if match is None:
            raise DamagedReplyError(f"Garbage within a tensor: {short(line)!r}.")
        yield int(match[1]), bytes.fromhex(match[2])


def _crc_of(parts: Iterable[tuple[int, bytes]]) -> int:
    crc = 0
    for _, part in parts:
        crc = zlib.crc32(part, crc)
    return crc


def _results(lines: Iterable[str]) -> tuple[float, ...]:
    text = only(lines, r"m-results-\[([-0-9.,]*)]")
    return tuple(float(value) for value in text.split(",") if value)
