"""A device that sends wrong values in any field, stalls, floods or drips causes a DeviceError in
bounded time and memory; data that the client returns has the size given by the model.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import numpy as np
import pytest
from fake_line import BOOT, FakeStream, Firmware, Part, line

from tinycomp.common.errors import DeviceError
from tinycomp.device.protocol import Device

SECONDS_MAX = 300.0
"""Time limit for a session with one wrong value, by the device's clock."""
BYTES_MAX = 3_000_000

NUMBERS = (
    "", "-1", "0", "1", "7", "200", "65535", "65536", "4294967295", "4294967296", "99999999999999",
    str(2**63), str(2**64), str(2**64 - 1), "9" * 5000, "1.5", "1e9", "nan", "0x10", "1_0", " 1",
    "+1", "abc", "\\u0661", "]", "1,2", "-", "1.2.3",
)  # fmt: skip
"""Replacements for any number, including 90 TiB and more digits than Python parses."""


ASKED = (
    "run", "output", "tensor", "checksums", "nodes", "stack", "name", "profile", "timestamp",
    "infer", "results",
)  # fmt: skip


def ask(device: Device, firmware: Firmware) -> None:
    """Use every command; each result must have the size given by the model."""
    device.expect_model("00", firmware.layout)
    device.load(firmware.tensors[0])
    assert 0 <= device.run() < 2**64
    assert device.output().shape == (firmware.sizes[-1],)
    for index, size in enumerate(firmware.sizes):
        assert device.tensor(index).shape == (size,)
    assert len(device.checksums()) == len(firmware.sizes)
    assert len(device.node_ticks()) == firmware.layout.nodes
    assert (device.stack() or 0) < 2**32
    assert len(device.name()) < 100_000
    assert len(device.profile()) == 2
    assert 0 <= device.timestamp() < 2**32
    assert len(device.infer().results) == firmware.sizes[-1]
    assert len(device.results()) == firmware.sizes[-1]


def outcome(answer: Callable[[str], Iterable[Part]], firmware: Firmware) -> str:
    """The error that ends a session, or ""; time, bytes and the message must be bounded."""
    stream = FakeStream(answer)
    text = ""
    try:
        ask(Device(line(stream), startup_seconds=2, run_seconds=3), firmware)
    except DeviceError as error:
        text = str(error)
        assert "/dev/fake" in text
        assert len(text) < 700
        assert text.isprintable()
    assert stream.time < SECONDS_MAX, text
    assert stream.taken < BYTES_MAX, text
    return text


def test_a_correct_device_is_accepted() -> None:
    for seed in range(20):
        firmware = Firmware(seed)
        assert outcome(firmware, firmware) == ""


LIES: dict[str, Callable[[random.Random, list[str]], list[str]]] = {
    "a number": lambda rng, lines: _changed(rng, lines, r"\d+", rng.choice(NUMBERS)),
    "a key": lambda rng, lines: _changed(rng, lines, r"[a-z]+-", "x-"),
    "digits": lambda rng, lines: _changed(rng, lines, r"[0-9a-f]{2,}", "zz"),
    "a bracket": lambda rng, lines: _changed(rng, lines, r"\]", ""),
    "a comma": lambda rng, lines: _changed(rng, lines, r",", rng.choice([";", "", ",,"])),
    "left out": lambda rng, lines: _without(rng, lines),
    "twice": lambda rng, lines: sorted([*lines, rng.choice(lines)]),
    "out of order": lambda rng, lines: rng.sample(lines, len(lines)),
    "an error": lambda rng, lines: [*lines, "e-[" + rng.choice(["no", "x" * 5000]) + "]"],
    "nothing": lambda rng, lines: [],
    "garbage": lambda rng, lines: [*lines, "\x1b[31m" + "\x80\xff" * rng.randrange(1, 90)],
    "boot": lambda rng, lines: [*lines, *BOOT.decode().split("\r\n")[:3]],
    "ready": lambda rng, lines: ["m-ready"] * rng.randrange(1, 9) + lines,
}


def _changed(rng: random.Random, lines: list[str], pattern: str, new: str) -> list[str]:
    places = [(i, m) for i, text in enumerate(lines) for m in re.finditer(pattern, text)]
    if places:
        index, match = rng.choice(places)
        lines[index] = lines[index][: match.start()] + new + lines[index][match.end() :]
    return lines


def _without(rng: random.Random, lines: list[str]) -> list[str]:
    del lines[rng.randrange(len(lines))]
    return lines


def liar(firmware: Firmware, rng: random.Random) -> Callable[[str], Iterable[Part]]:
    """A device with wrong values in its replies to one or all commands, temporarily or always."""
    lie = rng.choice(list(LIES.values()))
    told = rng.choice(["", "sync", "info", "load", *ASKED])
    left = [rng.choice([1, 2, 3, 1000])]

    def answer(command: str) -> Iterable[Part]:
        lines = firmware.lines(command)
        if told in command and lines and left[0]:
            left[0] -= 1
            lines = lie(rng, lines)
        return [f"{text}\r\n".encode("latin-1") for text in (*lines, "m-ready")]

    return answer


@pytest.mark.parametrize(
    "seeds", [range(400), pytest.param(range(400, 5000), marks=pytest.mark.slow)]
)
def test_wrong_values_in_every_field(seeds: range) -> None:
    errors: set[str] = set()
    for seed in seeds:
        firmware, rng = Firmware(seed), random.Random(seed)
        text = outcome(liar(firmware, rng), firmware)
        errors.add(re.sub(r"'[^']*'|\d+", "", text))
    assert "" in errors
    assert len(errors) > 15, errors


def with_info(firmware: Firmware, key: str, value: str) -> Callable[[str], list[bytes]]:
    """A correct device except for one value in its info."""

    def answer(command: str) -> list[bytes]:
        reply = b"".join(firmware(command)).decode()
        return [re.sub(rf"m-tc-{key}-\[\w+]", lambda _: f"m-tc-{key}-[{value}]", reply).encode()]

    return answer


def test_every_number_of_the_identity_is_checked() -> None:
    """Values that contradict the model or are impossible are refused with the line."""
    for key, number in itertools.product(Firmware()._info(), NUMBERS):
        if key in ("model", "generator", "hash"):
            continue
        firmware = Firmware(3)

        def answer(command: str, key: str = key, number: str = number) -> list[bytes]:
            reply = b"".join(firmware(command)).decode()  # noqa: B023
            return [
                re.sub(rf"m-tc-{key}-\[\w+]", lambda _: f"m-tc-{key}-[{number}]", reply).encode()
            ]

        text = outcome(answer, firmware)
        if key in ("input", "output", "tensors", "nodes", "unit"):
            assert text, (key, number)


PARTS: dict[str, Callable[[], Iterator[Part]]] = {
    "a flood without the end of a line": lambda: itertools.repeat(b"x" * 1000),
    "a flood of garbage": lambda: itertools.repeat(b"garbage\r\n" * 100),
    "a flood of lines": lambda: itertools.repeat(b"m-tc-data-[0,00]\r\n" * 100),
    "a flood of ends": lambda: itertools.repeat(b"m-ready\r\n" * 100),
    "a flood of boot lines": lambda: itertools.repeat(BOOT),
    "lines that drip": lambda: itertools.cycle([4.9, b"m-tc-data-[0,00]\r\n"]),
    "bytes that drip": lambda: itertools.cycle([0.9, b"m"]),
    "a stall": lambda: iter([1e9]),
    "half a line, and a stall": lambda: iter([b"m-tc-", 1e9]),
}


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("told", ["sync", "info", "load", *ASKED])
def test_floods_drips_and_stalls(parts: str, told: str) -> None:
    firmware = Firmware(1)

    def answer(command: str) -> Iterable[Part]:
        return PARTS[parts]() if told in command else firmware(command)

    assert outcome(answer, firmware) != ""


@pytest.mark.parametrize("drip", [0.01, 0.5, 4.9])
def test_the_time_of_a_load_is_bounded(drip: float) -> None:
    """Each reply may be slow, but their total time is limited."""
    firmware = Firmware(1)
    firmware.tensors[0] = np.zeros(30_000, np.int8)
    firmware.sizes = (30_000, *firmware.sizes[1:])

    def answer(command: str) -> Iterable[Part]:
        return [drip, *firmware(command)] if re.match(r"tc \d", command) else firmware(command)

    stream = FakeStream(answer)
    device = Device(line(stream))
    with suppress(DeviceError):
        device.load(firmware.tensors[0])
    assert stream.time < 3 * 1000 if drip > 1 else stream.time < 1000
