"""The client waits for slow boards, and reports the real cause of failures."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace

import pytest
from fake_line import BOOT, FakeStream, Firmware, Part, line

from tinycomp.cli.options import serial_port
from tinycomp.common.errors import DeviceError
from tinycomp.device.link import Link, SerialPort
from tinycomp.device.protocol import Device


def booting(seconds: float, before: Iterable[Part] = (), boot: bytes = BOOT) -> FakeStream:
    """A board whose bootloader takes `seconds`, and loses what is sent meanwhile."""
    firmware = Firmware()

    def answer(command: str) -> Iterable[Part]:
        return firmware(command) if stream.time >= seconds else []

    stream = FakeStream(answer, greeting=[*before, seconds, boot])
    return stream


@pytest.mark.parametrize("seconds", [0.0, 0.4, 2.0, 7.6, 8.0, 12.0, 18.0])
def test_the_client_waits_for_a_slow_bootloader(seconds: float) -> None:
    stream = booting(seconds)
    device = Device(line(stream))
    assert device.identity.model == "m"
    assert stream.time < seconds + 2


def test_a_bootloader_with_another_baud_rate() -> None:
    noise = b"\x80\xf8\x00\x1b[2J" * 9 + b"\r\n"
    stream = booting(9.0, [noise, 0.1, noise])
    assert Device(line(stream)).identity.model == "m"


def test_a_board_that_exceeds_the_timeout_is_reported_as_silent() -> None:
    with pytest.raises(DeviceError) as caught:
        Device(line(booting(30.0)))
    assert "is silent: waited for m-tc-sync for 20 s, got nothing." in str(caught.value)
    assert "needs a longer --startup-timeout" in str(caught.value)
    assert Device(line(booting(30.0)), startup_seconds=40).identity.model == "m"


def test_a_started_board_without_reply_is_not_reported_as_other_firmware() -> None:
    stream = FakeStream(lambda _: [], greeting=[8.0, BOOT])
    with pytest.raises(DeviceError, match=r"started, but did not answer in time.*--startup-timeo"):
        Device(line(stream), startup_seconds=10)


def test_another_firmware_is_recognized_by_its_reply() -> None:
    stream = FakeStream(lambda _: [b"e-[Unknown command: tc]\r\nm-ready\r\n"])
    with pytest.raises(DeviceError, match=r"speaks the protocol of MLPerf Tiny .*Unknown command"):
        Device(line(stream))


@pytest.mark.parametrize("reset", [True, False])
def test_the_lines_that_reset_the_board(monkeypatch: pytest.MonkeyPatch, reset: bool) -> None:
    """Their state when the port is opened; by default pyserial asserts both."""
    import serial

    opened = []

    class Port(SimpleNamespace):
        dtr = rts = True

        def open(self) -> None:
            opened.append((self.port, self.baudrate, self.dtr, self.rts))

        def close(self) -> None:
            pass

    monkeypatch.setattr(serial, "Serial", lambda **settings: Port(**settings))
    Link("/dev/ttyUSB7", baud=57600, reset=reset).close()
    assert opened == [("/dev/ttyUSB7", 57600, reset, reset)]


def test_an_unsupported_baud_rate() -> None:
    with pytest.raises(DeviceError, match=r"can't be opened at 99999999999999999999 baud"):
        Link("/dev/null", baud=99999999999999999999)


def test_port_options_of_the_command_line() -> None:
    assert serial_port(None, None, None, False) is None
    assert serial_port("COM3", None, None, False) == SerialPort("COM3", None, 20.0, True)
    assert serial_port("COM3", 9600, 60.0, True) == SerialPort("COM3", 9600, 60.0, False)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--baud", (9600, None, False)),
        ("--startup-timeout", (None, 3.0, False)),
        ("--no-reset", (None, None, True)),
    ],
)
def test_a_port_must_be_named(option: str, values: tuple[int | None, float | None, bool]) -> None:
    with pytest.raises(
        DeviceError, match=rf"^{option} applies to a real board, but --port was not given"
    ):
        serial_port(None, *values)
