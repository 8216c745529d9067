"""The firmware behind a bad line: whatever is dropped, doubled, flipped, late or reset, each tensor
that the client returns is right, and every failure is a DeviceError within a bounded time.
"""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_firmware import FAKE_MODEL, HASH, harness_sources
from fake_line import FakeStream, line
from test_every_board import tensors_of, vector

from tinycomp.common import resources
from tinycomp.common.errors import DeviceError
from tinycomp.device.link import POLL_SECONDS
from tinycomp.device.protocol import Device, ModelLayout
from tinycomp.target.toolchain import STRICT, run_tool

LAYOUT = ModelLayout((96, 96, 96, 96, 4), 4, 4)
ROOM = 1 << 20
SEEDS = 60
RATE = 1 / 1500
"""Share of the bytes that something happens to."""
MOST_SECONDS = 1200.0
"""Of the line's time, for all commands of a test."""
ROM = (
    b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
    b"configsip: 0, SPIWP:0xee\r\nload:0x3fff0030,len:1184\r\nentry 0x400805e4\r\n"
)
GARBAGE = bytes(random.Random(0).choices(range(128, 256), k=70)) + b"\r\n"
"""What an ESP8266's ROM prints, at another baud rate."""

Harm = Callable[[random.Random, int], bytes]
HARMS: dict[str, Harm] = {
    "dropped": lambda rng, byte: b"",
    "doubled": lambda rng, byte: bytes([byte, byte]),
    "flipped": lambda rng, byte: bytes([byte ^ 1 << rng.randrange(8)]),
    "added": lambda rng, byte: bytes([byte, rng.randrange(256)]),
}


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The harness with the fake model, as a library."""
    built = tmp_path_factory.mktemp("noisy") / "harness.so"
    sources = [*(p for p in harness_sources() if p.name != "main.c"), FAKE_MODEL]
    own = Path(__file__).with_name("harness_library.c")
    include = f"-I{resources.firmware() / 'harness'}"
    command = ["gcc", "-shared", "-fPIC", "-std=c99", *STRICT, include, "-o", built]
    run_tool([*command, *sources, own], ["gcc"])
    library = ctypes.CDLL(str(built))
    library.exchange.restype = ctypes.c_size_t
    return library


class NoisyStream(FakeStream):
    """A line to the firmware on which bytes come to harm in both directions."""

    def __init__(self, firmware: ctypes.CDLL, harms: list[str], seed: int, rate: float) -> None:
        super().__init__(lambda _: [])
        self.rng = random.Random(seed)
        self.harms, self.rate = harms, rate
        self.firmware, self.room = firmware, ctypes.create_string_buffer(ROOM)
        self.deaf_until = 0.0
        self.received = bytearray()
        self.boot = self._exchange(b"")

    def _exchange(self, data: bytes) -> bytes:
        size = self.firmware.exchange(data, ctypes.c_size_t(len(data)), self.room, ROOM)
        return self.room.raw[:size]

    def write(self, data: bytes) -> int:
        self.time += len(data) * self._byte_seconds
        if self.time >= self.deaf_until:
            self.received += self._exchange(self._harmed(data))[len(self.boot) :]
        return len(data)

    def read(self, size: int) -> bytes:
        if not self.received:
            self.time += POLL_SECONDS
            return b""
        if "late" in self.harms and self.rng.random() < 0.02:
            self.time += self.rng.choice([0.3, 2.0, 4.0])
            return b""
        data = bytes(self.received[:size])
        del self.received[:size]
        self.time += len(data) * self._byte_seconds
        if "reset" in self.harms and self.rng.random() < self.rate * 20:
            return self._reset(data)
        return self._harmed(data)

    @property
    def in_waiting(self) -> int:
        return len(self.received)

    def _reset(self, data: bytes) -> bytes:
        """The rest of the reply and the input are lost; the board boots."""
        self._exchange(b"%db load 1%")
        self.received[:] = self.rng.choice([b"", ROM, GARBAGE]) + self.boot
        self.deaf_until = self.time + self.rng.choice([0, 0.1, 2])
        return data[: self.rng.randrange(len(data) + 1)]

    def _harmed(self, data: bytes) -> bytes:
        kinds = [HARMS[name] for name in self.harms if name in HARMS]
        if not kinds:
            return data
        return b"".join(
            self.rng.choice(kinds)(self.rng, byte) if self.rng.random() < self.rate
            else bytes([byte])
            for byte in data
        )  # fmt: skip


def compared(stream: NoisyStream, seed: int) -> int:
    """The tensors that were read and right, of three samples."""
    right = 0
    try:
        device = Device(line(stream))
        device.expect_model(HASH, LAYOUT)
        for first in (seed % 200, 7, 250):
            sample = vector(first)
            device.load(sample)
            for index, wanted in enumerate(tensors_of(sample)):
                found = device.tensor(index)
                np.testing.assert_array_equal(found.view(np.uint8), wanted)
                right += 1
            device.run()
            np.testing.assert_array_equal(device.output().view(np.uint8), wanted)
    except DeviceError:
        pass
    assert stream.time < MOST_SECONDS
    return right


KINDS = [*([name] for name in HARMS), ["late"], ["reset"], [*HARMS, "late", "reset"]]


@pytest.mark.parametrize("harms", KINDS, ids=" ".join)
def test_what_is_returned_is_right(firmware: ctypes.CDLL, harms: list[str]) -> None:
    right = [compared(NoisyStream(firmware, harms, seed, RATE), seed) for seed in range(SEEDS)]
    assert 15 in right  # a client that gives up at once would be right too
    assert sum(right) > 5 * SEEDS


def test_a_good_line(firmware: ctypes.CDLL) -> None:
    assert compared(NoisyStream(firmware, ["dropped"], 0, 0.0), 0) == 15


@pytest.mark.parametrize("text", [b"", ROM, GARBAGE], ids=["nothing", "a ROM", "garbage"])
@pytest.mark.parametrize("seconds", [0.0, 1.5, 9.0])
def test_a_board_that_resets_when_its_port_is_opened(
    firmware: ctypes.CDLL, text: bytes, seconds: float
) -> None:
    """Its bootloader hears nothing of what is sent, for as long as ten seconds."""
    stream = NoisyStream(firmware, [], 0, 0.0)
    stream.deaf_until = seconds
    stream.received += text
    assert compared(stream, 0) == 15
