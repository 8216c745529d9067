"""The client of docs/serial.md: one method per command of both layers.

A reply damaged on the line is requested again (conversation.py). Sizes reported by the device are
not trusted: every reply is limited (`Limits`), by the model if it is known.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import DeviceError
from tinycomp.device.conversation import Conversation, Limits
from tinycomp.device.link import LINE_MAX, STARTUP_SECONDS, Link
from tinycomp.device.reply import Reply
from tinycomp.ir.tensor import Array

TENSOR_BYTES_A_COMMAND = 38
"""Bytes of hex digits per command: 80 characters, less "tc "."""
MLPERF_BYTES_A_COMMAND = 31
"""Bytes per command, as sent by the public runner of MLPerf Tiny."""
RUN_SECONDS = 120.0
TENSOR_MAX = 1 << 24
"""Maximum bytes of a tensor from a device with an unknown model."""
COUNT_MAX = (1 << 16) - 1
"""Maximum number of nodes or tensors: the firmware uses 16-bit numbers."""
SIZE_MAX = (1 << 32) - 1
WINDOW_MAX = 1 << 16
CHARACTERS_A_BYTE = 40
"""Maximum bytes of a line, if each byte of a tensor has its own line."""
CHARACTERS_A_RESULT = 24
_Result = TypeVar("_Result")
PROTOCOL = 1
"""The newest format of the tc commands that is understood; firmware of tinycomp 0.1 sends none."""
REBUILD_HINT = "Build the project of this model again and flash it."


@dataclass(frozen=True)
class Identity:
    """What runs on the device."""

    model: str
    """Prefix of the library's C names."""
    hash: str
    """sha256 of the .tflite."""
    generator: str
    """Version of tinycomp that generated it."""
    unit: str
    """Unit of ticks: "instructions", "cycles" or "microseconds"."""
    ticks_per_second: int
    """In the device's own time, which under an emulator is virtual."""
    interrupts: str
    """What interrupts add to ticks: "off", "clock" (the clock's own alone) or "counted"."""
    input: int
    """Bytes of the input."""
    output: int
    """Bytes of the output."""
    arena: int
    """Bytes of the arena, including scratch."""
    scratch: int
    """Bytes of scratch."""
    nodes: int
    """Number of nodes."""
    tensors: int
    """Number of tensors, including the input."""
    window: int
    """Bytes that may be sent before reading replies; 0: one command at a time."""
    keeps_input: bool = True
    """Whether an inference leaves its input for the next one; if not, it is loaded again."""


@dataclass(frozen=True)
class ModelLayout:
    """Sizes of the model, which a device's replies must agree with."""

    sizes: tuple[int, ...]
    """Bytes of every tensor, the input's first, in the order of the firmware."""
    output: int
    """Bytes of the output."""
    nodes: int
    """Number of nodes."""


@dataclass(frozen=True)
class Checksum:
    """Checksum of a tensor; None if its parts were out of order, so that it must be read."""

    size: int | None
    """Bytes of the tensor."""
    crc: int | None
    """Its CRC-32."""


@dataclass(frozen=True)
class Inference:
    """The reply of MLPerf Tiny's `infer`."""

    results: tuple[float, ...]
    """The dequantized output, or the reconstruction error alone."""
    start: int
    """Time before the runs, in microseconds modulo 2^32."""
    end: int
    """Time after the runs, in microseconds modulo 2^32."""
    runs: int
    """Number of runs in between."""

    @property
    def microseconds(self) -> float:
        """Duration of one run."""
        return ((self.end - self.start) & 0xFFFF_FFFF) / self.runs


class Device:
    """A device that runs tinycomp's harness. Methods raise DeviceError."""

    def __init__(
        self,
        link: Link,
        *,
        startup_seconds: float = STARTUP_SECONDS,
        run_seconds: float = RUN_SECONDS,
    ) -> None:
        """Wait for the device: an Arduino that resets when the port is opened takes 2 s.

        Args:
            link: open, used exclusively by this object until it is closed.
            startup_seconds: time limit for booting.
            run_seconds: time limit of one inference.
        """
        self.link = link
        self.run_seconds = run_seconds
        self._layout: ModelLayout | None = None
        self._input = b""
        self._talk = Conversation(link, startup_seconds=startup_seconds)
        self.identity = self._talk.retry(self._read_identity)
        self._talk.window = self.identity.window

    # Layer 2: tinycomp's own commands

    def expect_model(self, hash_of_model: str, layout: ModelLayout | None = None) -> None:
        """Refuse a device that runs another build.

        Args:
            hash_of_model: SHA-256 of the .tflite.
            layout: sizes of the model, which all further replies must agree with.
        """
        found = self.identity
        if found.hash != hash_of_model:
            raise DeviceError(
                f"The device on {self.link.port} runs model {found.model[:60]!r} with sha256 "
                f"{found.hash[:16]}..., not {hash_of_model[:16]}...",
                hint=REBUILD_HINT,
            )
        if layout is None:
            return
        said = (found.input, found.output, found.tensors, found.nodes)
        expected = (layout.sizes[0], layout.output, len(layout.sizes), layout.nodes)
        if said != expected:
            raise DeviceError(
                f"The device on {self.link.port} says that input, output, tensors and nodes are "
                f"{said}; the model's are {expected}.",
                hint=REBUILD_HINT,
            )
        self._layout = layout
        self.link.line_max = max(LINE_MAX, CHARACTERS_A_RESULT * found.output)

    def load(self, tensor: Array) -> None:
        """Load the model's input, in its type."""
        data = np.ascontiguousarray(tensor).tobytes()
        self._input = data
        self._talk.retry(lambda: self._load(data))

    def run(self) -> int:
        """Run the measured inference once on the loaded input; return its ticks."""
        return self._inferred(lambda: self._run("tc run").number("run"))

    def output(self) -> NDArray[np.int8]:
        """Return the bytes of the last inference's output."""
        return self._talk.retry(lambda: self._tensor("tc output", self.identity.output))

    def tensor(self, index: int) -> NDArray[np.int8]:
        """Run the watched inference; return the bytes of one tensor, as it left its node."""
        size = None if self._layout is None else self._layout.sizes[index]
        return self._inferred(lambda: self._tensor(f"tc tensor {index}", size))

    def checksums(self) -> list[Checksum]:
        """Run the watched inference; return every tensor's checksum, the input's first."""
        return self._inferred(self._checksums)

    def node_ticks(self) -> list[int]:
        """Run the watched inference; return the ticks of every node."""
        return self._inferred(self._node_ticks)

    def stack(self) -> int | None:
        """Run the measured inference; return its maximum stack depth in bytes, None if unknown."""
        return self._inferred(self._stack)

    # Layer 1: MLPerf Tiny

    def name(self) -> str:
        """Return the vendor."""
        return self._talk.retry(lambda: self._talk.command("name").one(r"m-name-dut-\[(.*)]")[1])

    def profile(self) -> tuple[str, str]:
        """Return the firmware's profile and the model's name in MLPerf Tiny."""
        reply = self._talk.command("profile")
        return reply.one(r"m-profile-\[(.*)]")[1], reply.one(r"m-model-\[(.*)]")[1]

    def timestamp(self) -> int:
        """Return the device's time in microseconds, modulo 2^32."""
        return self._talk.retry(lambda: _lap(self._talk.command("timestamp"), 0, 1))

    def db_load(self, data: bytes) -> None:
        """Load the input as MLPerf Tiny's runner does, in the model's own input format."""
        reply = self._talk.command(f"db load {len(data)}")
        for part in _parts(data, MLPERF_BYTES_A_COMMAND):
            reply = self._talk.command(f"db {part.hex()}")
        reply.one(r"m-load-done")

    def db_print(self) -> bytes:
        """Return the bytes received by `db_load`."""
        largest = 4 * self.identity.input  # if values are sent as floats
        limits = Limits(lines=largest // 8 + 1, size=5 * largest + 100)
        return self._talk.command("db print", limits).bytes_of_buffer(largest)

    def infer(self, runs: int = 1, warm_up_runs: int = 10) -> Inference:
        """Run the measured inference."""
        seconds = self.run_seconds * (runs + warm_up_runs)
        reply = self._run(f"infer {runs} {warm_up_runs}", seconds)
        start, end = _lap(reply, 0, 2), _lap(reply, 1, 2)
        return Inference(self._results(reply), start, end, runs)

    def results(self) -> tuple[float, ...]:
        """Return the last inference's output, dequantized, with three decimals."""
        return self._talk.retry(lambda: self._results(self._run("results")))

    def _results(self, reply: Reply) -> tuple[float, ...]:
        """The allowed numbers of results: all outputs; for an autoencoder also the error alone."""
        reconstructs = self.identity.input == self.identity.output
        return reply.results(self.identity.output, *([1] if reconstructs else []))

    def _run(self, text: str, seconds: float | None = None) -> Reply:
        """Limits of a command that runs the model: a few lines, one of them with the output."""
        size = 1000 + CHARACTERS_A_RESULT * self.identity.output
        return self._talk.command(text, Limits(seconds or self.run_seconds, size=size))

    def _read_identity(self) -> Identity:
        reply = self._talk.command("tc info")
        self._check_protocol(reply)
        unit = reply.one(r"m-tc-unit-\[(instructions|cycles|microseconds)]")[1]
        return Identity(
            model=reply.text("model"),
            hash=reply.text("hash"),
            generator=reply.text("generator"),
            unit=unit,
            ticks_per_second=reply.number("ticks-per-second", SIZE_MAX, 1),
            interrupts=reply.one(r"m-tc-interrupts-\[(off|clock|counted)]")[1],
            input=reply.number("input", TENSOR_MAX, 1),
            output=reply.number("output", TENSOR_MAX, 1),
            arena=reply.number("arena", SIZE_MAX),
            scratch=reply.number("scratch", SIZE_MAX),
            nodes=reply.number("nodes", COUNT_MAX),
            tensors=reply.number("tensors", COUNT_MAX, 1),
            window=reply.number("window", WINDOW_MAX),
            keeps_input="m-tc-input-used-up" not in reply.lines,
        )

    def _check_protocol(self, reply: Reply) -> None:
        """Refuse newer firmware before anything else in its reply is read."""
        if not any(line.startswith("m-tc-protocol-") for line in reply.lines):
            return
        number = reply.number("protocol")
        if number > PROTOCOL:
            raise DeviceError(
                f"The firmware on {self.link.port} has protocol {number}.",
                expected=f"Expected protocol {PROTOCOL} or an older one.",
                hint="Update tinycomp, or build and flash the project with this version.",
            )

    def _inferred(self, command: Callable[[], _Result]) -> _Result:
        """The reply to a command that runs the model; loads its input again where it is used up."""

        def attempt() -> _Result:
            if not self.identity.keeps_input and self._input:
                self._load(self._input)
            return command()

        return self._talk.retry(attempt)

    def _load(self, data: bytes) -> None:
        crc = zlib.crc32(data)
        parts = [f"tc {part.hex()}" for part in _parts(data, TENSOR_BYTES_A_COMMAND)]
        reply = self._talk.pipelined([f"tc load {len(data)} {crc:08x}", *parts])
        reply.one(rf"m-tc-loaded-\[{crc:08x}]")

    def _tensor(self, text: str, size: int | None) -> NDArray[np.int8]:
        largest = TENSOR_MAX if size is None else size
        limits = Limits(self.run_seconds, largest + 1, CHARACTERS_A_BYTE * largest + 100)
        return self._talk.command(text, limits).tensor(size, largest)

    def _stack(self) -> int | None:
        reply = self._run("tc stack")
        return None if reply.text("stack") == "unknown" else reply.number("stack", SIZE_MAX)

    def _listed(self, text: str, pattern: str, count: int) -> list[re.Match[str]]:
        """Limits of a reply with one line per node or tensor."""
        limits = Limits(self.run_seconds, count, 100 * count + 100)
        return self._talk.command(text, limits).numbered(pattern, count)

    def _checksums(self) -> list[Checksum]:
        pattern = r"m-tc-checksum-\[([0-9]{1,5}),(?:([0-9]{1,10}),([0-9a-f]{8})|unordered)]"
        found = self._listed("tc checksums", pattern, self.identity.tensors)
        return [
            Checksum(int(match[2]), int(match[3], 16)) if match[2] else Checksum(None, None)
            for match in found
        ]

    def _node_ticks(self) -> list[int]:
        pattern = r"m-tc-node-\[([0-9]{1,5}),([0-9]{1,20})]"
        return [int(match[2]) for match in self._listed("tc nodes", pattern, self.identity.nodes)]


def _lap(reply: Reply, index: int, count: int) -> int:
    """The times in a reply, in microseconds."""
    laps = [line for line in reply.lines if line.startswith("m-lap-us-")]
    if len(laps) != count:
        raise reply.damaged(f"{len(laps)} lines m-lap-us- instead of {count}")
    return reply.checked(laps[index].removeprefix("m-lap-us-"), laps[index], SIZE_MAX)


def _parts(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))
