"""A bootloader of an ATmega328P that implements STK500 (Atmel AVR061) and keeps the program."""

from __future__ import annotations

from fake_serial import FakeSerial

SIGNATURE = bytes.fromhex("1e950f")
FLASH = 32_768
END, SYNC, IN_SYNC, OK = 0x20, 0x30, 0x14, 0x10
GET_PARAMETER, SET_DEVICE, SET_DEVICE_EXT, ENTER, LEAVE = 0x41, 0x42, 0x45, 0x50, 0x51
LOAD_ADDRESS, UNIVERSAL, PROGRAM_PAGE, READ_PAGE, READ_SIGNATURE = 0x55, 0x56, 0x64, 0x74, 0x75
ARGUMENTS = {
    SYNC: 0, GET_PARAMETER: 1, SET_DEVICE: 20, SET_DEVICE_EXT: 5, ENTER: 0, LEAVE: 0,
    LOAD_ADDRESS: 2, UNIVERSAL: 4, READ_PAGE: 3, READ_SIGNATURE: 0,
}  # fmt: skip
PARAMETERS = {0x80: 2, 0x81: 1, 0x82: 16}


class FakeStk500(FakeSerial):
    """`flash` has the programmed bytes; 0xff elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.flash = bytearray(b"\xff" * FLASH)
        self.left = False
        self._address = 0

    def answer(self) -> None:
        while self.received:
            command = self.received[0]
            size = self._size(command)
            if size is None or len(self.received) < size:
                return
            frame = bytes(self.received[:size])
            del self.received[:size]
            assert frame[-1] == END, frame
            self.send(bytes([IN_SYNC]) + self._reply(command, frame[1:-1]) + bytes([OK]))

    def _size(self, command: int) -> int | None:
        if command != PROGRAM_PAGE:
            return ARGUMENTS[command] + 2
        if len(self.received) < 3:
            return None
        return 4 + int.from_bytes(self.received[1:3], "big") + 1

    def _reply(self, command: int, arguments: bytes) -> bytes:
        if command == GET_PARAMETER:
            return bytes([PARAMETERS.get(arguments[0], 0)])
        if command == LOAD_ADDRESS:
            self._address = 2 * int.from_bytes(arguments, "little")
        elif command == PROGRAM_PAGE:
            assert arguments[2:3] == b"F"
            data = arguments[3:]
            self.flash[self._address : self._address + len(data)] = data
        elif command == READ_PAGE:
            size = int.from_bytes(arguments[:2], "big")
            return bytes(self.flash[self._address : self._address + size])
        elif command == READ_SIGNATURE:
            return SIGNATURE
        elif command == UNIVERSAL:
            return b"\0"
        elif command == LEAVE:
            self.left = True
        return b""
