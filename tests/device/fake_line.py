"""A simulated device in this process, behind a stream with a simulated clock."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from tinycomp.device.link import POLL_SECONDS, Link
from tinycomp.device.protocol import ModelLayout

Part = bytes | float
"""An action of a device: send bytes, or wait for some seconds."""
Answer = Callable[[str], Iterable[Part]]

BOOT = b"m-timestamp-mode-performance\r\nm-lap-us-0\r\nm-init-done\r\nm-ready\r\n"


class FakeStream:
    """A serial line, at a baud rate, to a device that answers commands with `answer`."""

    def __init__(self, answer: Answer, baud: int = 115_200, greeting: Iterable[Part] = ()) -> None:
        self.time = 0.0
        self.taken = 0
        """Bytes that the host has read."""
        self.commands: list[str] = []
        self._answer = answer
        self._byte_seconds = 10 / baud
        self._typed = b""
        self._parts: deque[Iterator[Part]] = deque([iter(greeting)])
        self._ready = b""
        self._quiet_until = 0.0

    def write(self, data: bytes) -> int:
        self.time += len(data) * self._byte_seconds
        *commands, self._typed = (self._typed + data).split(b"%")
        for command in commands:
            self.commands.append(command.decode())
            self._parts.append(iter(self._answer(command.decode())))
        return len(data)

    def read(self, size: int) -> bytes:
        if size and not self._ready:
            self._advance()
        data, self._ready = self._ready[:size], self._ready[size:]
        self.taken += len(data)
        self.time += len(data) * self._byte_seconds
        return data

    @property
    def in_waiting(self) -> int:
        return len(self._ready)

    def close(self) -> None:
        pass

    def _advance(self) -> None:
        """Take the next bytes, or let time pass until the read times out."""
        while self.time >= self._quiet_until and self._parts:
            part = next(self._parts[0], None)
            if part is None:
                self._parts.popleft()
            elif isinstance(part, bytes):
                self._ready = part
                if part:
                    return
            else:
                self._quiet_until = self.time + part
        self.time += POLL_SECONDS


def line(stream: FakeStream) -> Link:
    """The host's end of the line."""
    return Link.over(stream, port="/dev/fake", clock=lambda: stream.time)


class Firmware:
    """The replies of a correct device, according to docs/serial.md."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.tensors = [rng.integers(-128, 128, rng.integers(1, 200), np.int8) for _ in range(4)]
        self.sizes = tuple(len(tensor) for tensor in self.tensors)
        self.window = int(rng.choice([0, 64, 2048]))
        self.layout = ModelLayout(self.sizes, self.sizes[-1], len(self.sizes) - 1)
        self.loading: list[int] = []

    def __call__(self, command: str) -> list[bytes]:
        return [f"{text}\r\n".encode() for text in (*self.lines(command), "m-ready")]

    def lines(self, command: str) -> list[str]:
        """The reply lines without m-ready."""
        verb, *words = command.split() or [""]
        if verb == "tc" and words and words[0] not in TC_COMMANDS:
            return self._append(words[0])
        return {
            "": lambda: [],
            "tc": lambda: self._tc(*words),
            "name": lambda: ["m-name-dut-[tinycomp]"],
            "profile": lambda: ["m-profile-[P]", "m-model-[m]"],
            "timestamp": lambda: ["m-lap-us-5"],
            "infer": lambda: [
                "m-warmup-start-10", "m-warmup-done", "m-infer-start-1", "m-lap-us-1",
                "m-lap-us-9", "m-infer-done", *self.lines("results"),
            ],
            "results": lambda: [f"m-results-[{','.join(f'{v:.3f}' for v in self.tensors[-1])}]"],
        }[verb]()  # fmt: skip

    def _tc(self, word: str, *rest: str) -> list[str]:
        if word == "sync":
            return [f"m-tc-sync-[{rest[0]}]"]
        if word == "info":
            return [f"m-tc-{key}-[{value}]" for key, value in self._info().items()]
        if word == "load":
            self.loading = [int(rest[0])]
            return [f"m-tc-expecting-[{rest[0]}]"]
        if word == "checksums":
            return [
                f"m-tc-checksum-[{i},{len(t)},{zlib.crc32(t):08x}]"
                for i, t in enumerate(self.tensors)
            ]
        if word == "nodes":
            return [f"m-tc-node-[{i},{i + 7}]" for i in range(self.layout.nodes)]
        if word in ("run", "stack"):
            return [f"m-tc-{word}-[1234]"]
        return self._sent(self.tensors[-1 if word == "output" else int(rest[0])].tobytes())

    def _info(self) -> dict[str, object]:
        return {
            "model": "m", "hash": "00", "generator": "1", "unit": "cycles",
            "ticks-per-second": 9, "interrupts": "counted", "input": self.sizes[0],
            "output": self.sizes[-1], "arena": 4,
            "scratch": 0, "nodes": self.layout.nodes, "tensors": len(self.sizes),
            "window": self.window,
        }  # fmt: skip

    def _append(self, digits: str) -> list[str]:
        self.loading.append(len(digits) // 2)
        whole = sum(self.loading[1:]) == self.loading[0]
        return [f"m-tc-loaded-[{zlib.crc32(self.tensors[0]):08x}]"] if whole else []

    def _sent(self, data: bytes) -> list[str]:
        lines = [f"m-tc-data-[{at},{data[at : at + 32].hex()}]" for at in range(0, len(data), 32)]
        return [*lines, f"m-tc-sent-[{len(data)},{zlib.crc32(data):08x}]"]


TC_COMMANDS = ("sync", "info", "load", "run", "output", "tensor", "checksums", "nodes", "stack")
