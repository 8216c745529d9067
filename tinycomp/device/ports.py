"""Serial ports of this computer, and the boards that they may be, by USB ids."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinycomp.common.errors import DeviceError
from tinycomp.device.port_errors import cannot_open
from tinycomp.target.boards import Board

TOUCH_BAUD = 1200
"""Opening and closing a port at this rate starts the board's bootloader."""
REAPPEAR_SECONDS = 10.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class FoundPort:
    """An existing serial port."""

    name: str
    """For example /dev/ttyACM0 or COM3."""
    usb_id: str | None = None
    """Vendor and product id, "2341:0043"; None if it is not a USB port."""
    serial_number: str = ""
    """Serial number of the USB device; empty if it has none."""
    description: str = ""
    """Description by the system."""


def found_ports() -> tuple[FoundPort, ...]:
    """All serial ports, by name."""
    from serial.tools.list_ports import (
        comports,
    )  # fails on unknown systems

    ports = (
        FoundPort(
            port.device,
            None if port.vid is None else f"{port.vid:04x}:{port.pid:04x}",
            port.serial_number or "",
            port.description or "",
        )
        for port in comports()
    )
    return tuple(sorted(ports, key=lambda port: port.name))


def boards_of(port: FoundPort, boards: Sequence[Board]) -> tuple[str, ...]:
    """Names of the boards that a port may be."""
    return tuple(board.name for board in boards if port.usb_id in usb_ids(board))


def usb_ids(board: Board) -> tuple[str, ...]:
    """All USB ids of a board: of its program and its bootloader."""
    return () if board.usb is None else (*board.usb.ids, *board.usb.bootloader)


def matching(board: Board) -> list[FoundPort]:
    """The ports that may be the board."""
    ids = usb_ids(board)
    return [port for port in found_ports() if port.usb_id in ids]


def port_of(board: Board) -> FoundPort:
    """The only port that may be the board.

    Raises:
        DeviceError: there is none, or there are several; names what was found.
    """
    ports = matching(board)
    if len(ports) == 1:
        return ports[0]
    if not ports:
        others = ", ".join(map(_shown, found_ports())) or "none"
        wanted = ", ".join(usb_ids(board))
        looked = f"one with a USB id of {wanted}" if wanted else "no USB id is known for it"
        raise DeviceError(
            f"No serial port of a {board.name} was found: looked for {looked}. Ports here: "
            f"{others}.",
            hint="Connect the board, or name its port with --port.",
        )
    raise several(board, ports)


def several(board: Board, ports: Sequence[FoundPort]) -> DeviceError:
    """The error for several possible ports."""
    return DeviceError(
        f"{len(ports)} ports may be the {board.name}: {', '.join(map(_shown, ports))}.",
        hint="Name the right one with --port.",
    )


def _shown(port: FoundPort) -> str:
    return f"{port.name} ({port.usb_id})" if port.usb_id else port.name


def described(name: str) -> FoundPort:
    """A port by name; a port that the system does not list (a pseudo-terminal) has no USB id."""
    return next((port for port in found_ports() if port.name == name), FoundPort(name))


def touch(port: str) -> None:
    """Start a board's bootloader by opening and closing its port at 1200 baud.

    Raises:
        DeviceError: the port can't be opened.
    """
    import serial  # imported here: it needs termios, which not every system has

    try:
        line = serial.Serial()
        line.port, line.baudrate, line.dtr = port, TOUCH_BAUD, False
        line.open()
        line.close()
    except OSError as error:
        raise cannot_open(port, error) from error


def bootloader_port(board: Board, port: FoundPort) -> FoundPort:
    """The port of a board's bootloader, started by a touch of its program's port if needed.

    Raises:
        DeviceError: the bootloader does not appear.
    """
    ids = () if board.usb is None else board.usb.bootloader
    if port.usb_id is not None and port.usb_id in ids:
        return port
    before = {each.name for each in found_ports() if each.usb_id in ids}
    touch(port.name)
    if not ids:
        time.sleep(POLL_SECONDS)
        return port
    found = _await(lambda each: each.usb_id in ids and each.name not in before)
    if found is None:
        advice = board.flash.advice if board.flash is not None and board.flash.advice else ""
        raise DeviceError(
            f"The bootloader of the {board.name} on {port.name} did not appear: waited "
            f"{REAPPEAR_SECONDS:g} s for a port with a USB id of {', '.join(ids)}.",
            hint=advice or "Press the board's reset button.",
        )
    return found


def running_port(board: Board, port: FoundPort) -> str:
    """The name of a board's port after a restart of its program: USB may have renamed it.

    Raises:
        DeviceError: several ports may be the board.
    """
    if board.usb is None or port.usb_id is None:
        return port.name
    ids = board.usb.ids
    _await(lambda each: each.usb_id in ids)
    back = [each for each in found_ports() if each.usb_id in ids]
    same = [each for each in back if each.serial_number == port.serial_number != ""]
    same = same or [each for each in back if each.name == port.name] or back
    if len(same) > 1:
        raise several(board, same)
    return same[0].name if same else port.name


def _await(wanted: Callable[[FoundPort], bool]) -> FoundPort | None:
    end = time.monotonic() + REAPPEAR_SECONDS
    while True:
        found = next((port for port in found_ports() if wanted(port)), None)
        if found is not None or time.monotonic() > end:
            return found
        time.sleep(POLL_SECONDS)
