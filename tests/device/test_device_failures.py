"""Misbehaving devices: errors state what was expected."""

from __future__ import annotations

import os
import tty
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from fake_line import BOOT, FakeStream, line

from tinycomp.common.errors import DeviceError
from tinycomp.device.link import Link
from tinycomp.device.protocol import PROTOCOL, Device

Answer = Callable[[str], bytes]
INFO = (
    b"m-tc-model-[m]\r\nm-tc-hash-[00]\r\nm-tc-generator-[1]\r\nm-tc-unit-[cycles]\r\n"
    b"m-tc-ticks-per-second-[9]\r\nm-tc-interrupts-[off]\r\n"
    b"m-tc-input-[2]\r\nm-tc-output-[2]\r\nm-tc-arena-[4]\r\n"
    b"m-tc-scratch-[0]\r\nm-tc-nodes-[1]\r\nm-tc-tensors-[2]\r\nm-tc-window-[0]\r\nm-ready\r\n"
)


def good(command: str) -> bytes:
    """The replies of a correct device to the commands of these tests."""
    if command.startswith("tc sync "):
        return f"m-tc-sync-[{command[8:]}]\r\nm-ready\r\n".encode()
    if command == "tc info":
        return INFO
    if command in ("tc output", "tc tensor 1"):
        crc = f"{zlib.crc32(bytes([1, 2])):08x}"
        return f"m-tc-data-[0,0102]\r\nm-tc-sent-[2,{crc}]\r\nm-ready\r\n".encode()
    return b"m-ready\r\n"


@contextmanager
def connected(answer: Answer) -> Iterator[Device]:
    """A device that answers commands with `answer`."""
    stream = FakeStream(lambda command: [answer(command)])
    yield Device(line(stream), startup_seconds=1, run_seconds=0.3)


def test_a_port_that_does_not_exist() -> None:
    with pytest.raises(
        DeviceError,
        match=r"can't be opened at 115200 baud \(No such file or directory\)\. 'tinycomp ports'",
    ):
        Link("/dev/no-such-port")


def test_silent() -> None:
    with (
        pytest.raises(DeviceError, match=r"is silent: waited for m-tc-sync for 1 s.*baud rate"),
        connected(lambda _: b""),
    ):
        pass


@pytest.mark.parametrize(
    "garbage", [b"\xff\x00\x12\n", b"hello, world", b"garbage without end\n" * 200]
)
def test_garbage(garbage: bytes) -> None:
    with (
        pytest.raises(
            DeviceError,
            match=r"answers garbage at 115200 baud: waited for m-tc-sync for 1 s, got '.*flashed",
        ),
        connected(lambda _: garbage),
    ):
        pass


def test_another_firmware() -> None:
    unknown = b"e-[Unknown command: tc]\r\nm-ready\r\n"
    with (
        pytest.raises(DeviceError, match=r"speaks the protocol of MLPerf Tiny but does not"),
        connected(lambda _: unknown),
    ):
        pass


def with_protocol(number: str) -> Answer:
    """A device that is correct but for the protocol that it names."""
    first = f"m-tc-protocol-[{number}]\r\n".encode()
    return lambda command: first + INFO if command == "tc info" else good(command)


def test_firmware_of_a_newer_protocol() -> None:
    with (
        pytest.raises(
            DeviceError,
            match=rf"has protocol {PROTOCOL + 1}\. Expected protocol {PROTOCOL} or an older one",
        ),
        connected(with_protocol(str(PROTOCOL + 1))),
    ):
        pass


def test_a_protocol_that_is_no_number() -> None:
    with pytest.raises(DeviceError, match="no number"), connected(with_protocol("x")):
        pass


def test_firmware_with_and_without_its_protocol() -> None:
    for answer in (good, with_protocol(str(PROTOCOL))):
        with connected(answer) as device:
            assert device.identity.model == "m"


def test_silence_in_the_middle() -> None:
    def answer(command: str) -> bytes:
        return b"m-tc-r" if command == "tc run" else good(command)

    with (
        connected(answer) as device,
        pytest.raises(
            DeviceError, match=r"did not answer 'tc run': waited 0.3 s for m-ready, got 'm-tc-r'"
        ),
    ):
        device.run()


def test_garbage_in_the_middle() -> None:
    def answer(command: str) -> bytes:
        return b"?!\r\n" * 100 if command == "tc run" else good(command)

    with (
        connected(answer) as device,
        pytest.raises(
            DeviceError,
            match=r"answers garbage at 115200 baud: waited for m-ready after 'tc run', got '\?!'",
        ),
    ):
        device.run()


@pytest.mark.parametrize("cut", [b"", b"m-tc-da"])
def test_reset_in_the_middle(cut: bytes) -> None:
    def answer(command: str) -> bytes:
        return cut + BOOT if command == "tc tensor 1" else good(command)

    with (
        connected(answer) as device,
        pytest.raises(DeviceError, match=r"reset during 'tc tensor 1' \(it sent '.*supply"),
    ):
        device.tensor(1)


def test_a_wrong_build() -> None:
    with (
        connected(good) as device,
        pytest.raises(DeviceError, match=r"runs model 'm' with sha256 00"),
    ):
        device.expect_model("ab" * 32)


def flaky(bad: str, damage: Callable[[bytes], bytes], times: int) -> Answer:
    """Damages the first replies to one command."""
    left = [times]

    def answer(command: str) -> bytes:
        if command == bad and left[0]:
            left[0] -= 1
            return damage(good(command))
        return good(command)

    return answer


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda data: data.replace(b"0102", b"0103"),
    "a line": lambda data: data.replace(b"m-tc-data-[0,0102]\r\n", b""),
    "noise": lambda data: b"\x80\x81\r\n" + data,
    "half a line": lambda data: data.replace(b",0102]", b",01"),
    "an error": lambda _: b"e-[Unknown command: c]\r\nm-ready\r\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_transmission_errors_are_retried(damage: str) -> None:
    with connected(flaky("tc tensor 1", DAMAGES[damage], 2)) as device:
        np.testing.assert_array_equal(device.tensor(1), [1, 2])


def test_permanent_transmission_errors_are_reported() -> None:
    with (
        connected(flaky("tc tensor 1", DAMAGES["a bit"], 99)) as device,
        pytest.raises(
            DeviceError,
            match=r"answered 'tc tensor 1' with a wrong CRC-32, .* Try a lower baud rate",
        ),
    ):
        device.tensor(1)


def test_a_load_whose_crc_differs_is_repeated() -> None:
    loads = []

    def answer(command: str) -> bytes:
        if command.startswith("tc load"):
            loads.append(command)
            return b"m-tc-expecting-[2]\r\nm-ready\r\n"
        if command == "tc 0102" and len(loads) < 3:
            return b"e-[CRC mismatch, the input's is 00000000]\r\nm-ready\r\n"
        if command == "tc 0102":
            return f"m-tc-loaded-[{zlib.crc32(bytes([1, 2])):08x}]\r\nm-ready\r\n".encode()
        return good(command)

    with connected(answer) as device:
        device.load(np.array([1, 2], np.int8))
    assert len(loads) == 3


def test_a_port_that_disappears() -> None:
    control, line = os.openpty()
    tty.setraw(line)
    with Link(os.ttyname(line)) as link:
        os.close(line)
        os.close(control)
        with pytest.raises(DeviceError, match=r"went away .*connect and try again"):
            Device(link)
