"""Ports are found by USB ids; an ambiguous choice is never guessed."""

from __future__ import annotations

import pytest
from fake_serial import FakeSerial
from serial.tools import list_ports

from tinycomp.common.errors import DeviceError
from tinycomp.device import ports
from tinycomp.device.ports import FoundPort
from tinycomp.target.boards import list_boards, load_board

UNO, NANO = load_board("uno"), load_board("nano33ble")
ACM0 = FoundPort("/dev/ttyACM0", "2341:0043", "A1", "Arduino Uno")
ACM1 = FoundPort("/dev/ttyACM1", "2341:0043", "A2", "Arduino Uno")
OTHER = FoundPort("/dev/ttyS0")


class Silent(FakeSerial):
    def answer(self) -> None:
        self.received.clear()


class Listed:
    """A port as pyserial lists it."""

    def __init__(self, device: str, vid: int | None, pid: int | None) -> None:
        self.device, self.vid, self.pid = device, vid, pid
        self.serial_number, self.description = None, "n/a"


@pytest.fixture
def timeline(monkeypatch: pytest.MonkeyPatch) -> list[tuple[FoundPort, ...]]:
    """The ports found by each look-up; the last one repeats."""
    looks: list[tuple[FoundPort, ...]] = []
    monkeypatch.setattr(ports, "found_ports", lambda: looks.pop(0) if len(looks) > 1 else looks[0])
    monkeypatch.setattr(ports, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(ports, "REAPPEAR_SECONDS", 0.05)
    return looks


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []
    monkeypatch.setattr(ports, "touch", opened.append)
    return opened


def test_ports_as_the_system_lists_them(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [Listed("/dev/ttyS0", None, None), Listed("/dev/ttyACM0", 0x2341, 0x43)]
    monkeypatch.setattr(list_ports, "comports", lambda: listed)
    assert ports.found_ports() == (
        FoundPort("/dev/ttyACM0", "2341:0043", "", "n/a"),
        FoundPort("/dev/ttyS0", None, "", "n/a"),
    )


def test_boards_that_a_port_may_be() -> None:
    assert ports.boards_of(ACM0, list_boards()) == ("uno",)
    assert ports.boards_of(OTHER, list_boards()) == ()
    bridge = FoundPort("COM3", "1a86:7523")
    assert {"uno", "mega", "esp32", "esp8266"} <= {*ports.boards_of(bridge, list_boards())}


def test_the_only_port_is_taken(timeline: list[tuple[FoundPort, ...]]) -> None:
    timeline.append((ACM0, OTHER))
    assert ports.port_of(UNO) == ACM0


def test_an_ambiguous_port_is_not_guessed(timeline: list[tuple[FoundPort, ...]]) -> None:
    timeline.append((ACM0, ACM1))
    with pytest.raises(DeviceError) as caught:
        ports.port_of(UNO)
    assert str(caught.value) == (
        "2 ports may be the uno: /dev/ttyACM0 (2341:0043), /dev/ttyACM1 (2341:0043). Name the "
        "right one with --port."
    )
    timeline[:] = [(OTHER,)]
    with pytest.raises(DeviceError) as caught:
        ports.port_of(NANO)
    assert str(caught.value) == (
        "No serial port of a nano33ble was found: looked for one with a USB id of 2341:805a, "
        "2341:005a. Ports here: /dev/ttyS0. Connect the board, or name its port with --port."
    )


def test_a_1200_baud_touch_waits_for_the_bootloader(
    timeline: list[tuple[FoundPort, ...]], touched: list[str]
) -> None:
    program = FoundPort("/dev/ttyACM0", "2341:805a", "N")
    bootloader = FoundPort("/dev/ttyACM1", "2341:005a", "N")
    timeline += [(program,), (program,), (), (bootloader,)]
    assert ports.bootloader_port(NANO, program) == bootloader
    assert touched == ["/dev/ttyACM0"]


def test_a_bootloader_that_keeps_the_name(
    timeline: list[tuple[FoundPort, ...]], touched: list[str]
) -> None:
    program = FoundPort("COM3", "2341:805a", "N")
    timeline += [(program,), (), (FoundPort("COM3", "2341:005a", "N"),)]
    assert ports.bootloader_port(NANO, program).usb_id == "2341:005a"


def test_a_board_that_is_in_its_bootloader_is_not_touched(
    timeline: list[tuple[FoundPort, ...]], touched: list[str]
) -> None:
    bootloader = FoundPort("/dev/ttyACM1", "2341:005a", "N")
    assert ports.bootloader_port(NANO, bootloader) == bootloader
    assert touched == []


def test_a_bootloader_that_does_not_appear(
    timeline: list[tuple[FoundPort, ...]], touched: list[str]
) -> None:
    program = FoundPort("/dev/ttyACM0", "2341:805a", "N")
    timeline.append((program,))
    with pytest.raises(DeviceError) as caught:
        ports.bootloader_port(NANO, program)
    assert "The bootloader of the nano33ble on /dev/ttyACM0 did not appear" in str(caught.value)
    assert "press the button twice" in str(caught.value)


def test_the_board_reappears_under_another_name(timeline: list[tuple[FoundPort, ...]]) -> None:
    flashed = FoundPort("/dev/ttyACM1", "2341:005a", "N")
    back = FoundPort("/dev/ttyACM2", "2341:805a", "N")
    stranger = FoundPort("/dev/ttyACM0", "2341:805a", "M")
    timeline += [(), (stranger, back)]
    assert ports.running_port(NANO, flashed) == "/dev/ttyACM2"


def test_two_candidates_are_not_guessed_between(
    timeline: list[tuple[FoundPort, ...]],
) -> None:
    flashed = FoundPort("/dev/ttyACM7", "2341:0043")
    timeline.append((ACM0, ACM1))
    with pytest.raises(DeviceError, match="2 ports may be the uno"):
        ports.running_port(UNO, flashed)


def test_a_port_without_usb_keeps_its_name() -> None:
    assert ports.running_port(UNO, FoundPort("/dev/pts/7")) == "/dev/pts/7"


def test_a_touch_opens_the_port() -> None:
    with Silent() as silent:
        ports.touch(silent.port)
    with pytest.raises(DeviceError, match=r"Port /nowhere can't be opened"):
        ports.touch("/nowhere")
