"""The bootloader in the ROM of an ESP32, and the stub that esptool loads into its RAM: SLIP frames
as in esptool's documentation, "Serial Protocol". It stores what it receives.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

from fake_serial import FakeSerial

FLASH = 4 << 20
END, ESCAPE = b"\xc0", b"\xdb"
FLASH_BEGIN, FLASH_DATA, FLASH_END, MEM_END, SYNC = 0x02, 0x03, 0x04, 0x06, 0x08
WRITE_REG, READ_REG, CHANGE_BAUD = 0x09, 0x0A, 0x0F
DEFLATE_BEGIN, DEFLATE_DATA, DEFLATE_END, MD5, SECURITY = 0x10, 0x11, 0x12, 0x13, 0x14
MAGIC, UART_DIVIDER, SPI_W0, FLASH_ID = 0x40001000, 0x3FF40014, 0x3FF42080, 0x164020
REGISTERS = {MAGIC: 0x00F01D83, UART_DIVIDER: 347, SPI_W0: FLASH_ID}
UNSUPPORTED = b"\x01\x05"


class FakeEspRom(FakeSerial):
    """`flash` has the written bytes; 0xff elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.flash = bytearray(b"\xff" * FLASH)
        self.commands: list[int] = []
        self.stub = False
        self._registers: dict[int, int] = {}
        self._at = 0
        self._unpacked = zlib.decompressobj()

    def answer(self) -> None:
        while (end := self.received.find(END, 1)) > 0:
            frame = bytes(self.received[:end]).strip(END)
            del self.received[: end + 1]
            if frame:
                self._command(frame.replace(b"\xdb\xdc", END).replace(b"\xdb\xdd", ESCAPE))

    def _command(self, frame: bytes) -> None:
        direction, code, size, _ = struct.unpack_from("<BBHI", frame)
        data = frame[8:]
        assert (direction, size) == (0, len(data))
        self.commands.append(code)
        value, reply, status = self._run(code, data)
        for _ in range(8 if code == SYNC else 1):
            self._send(code, value, reply + status + (b"" if self.stub else b"\0\0"))
        if code == MEM_END and not self.stub:
            self.stub = True
            self._frame(b"OHAI")

    def _run(self, code: int, data: bytes) -> tuple[int, bytes, bytes]:
        value, reply = 0x20120707, b""
        if code == SECURITY:
            return value, reply, UNSUPPORTED
        if code == READ_REG:
            (address,) = struct.unpack("<I", data)
            value = REGISTERS.get(address, self._registers.get(address, 0))
            value = 0 if address == SPI_W0 - 0x80 else value  # the command is done at once
        elif code == WRITE_REG:
            address, value = struct.unpack_from("<II", data)
            self._registers[address] = value
        elif code in (FLASH_BEGIN, DEFLATE_BEGIN):
            self._at = struct.unpack_from("<IIII", data)[3]
            self._unpacked = zlib.decompressobj()
        elif code == FLASH_DATA:
            self._write(data[16:])
        elif code == DEFLATE_DATA:
            self._write(self._unpacked.decompress(data[16:]))
        elif code == MD5:
            start, count = struct.unpack_from("<II", data)
            digest = hashlib.md5(self.flash[start : start + count])
            reply = digest.digest() if self.stub else digest.hexdigest().encode()
        return value, reply, b"\0\0"

    def _write(self, data: bytes) -> None:
        self.flash[self._at : self._at + len(data)] = data
        self._at += len(data)

    def _send(self, code: int, value: int, data: bytes) -> None:
        self._frame(struct.pack("<BBHI", 1, code, len(data), value) + data)

    def _frame(self, data: bytes) -> None:
        self.send(END + data.replace(ESCAPE, b"\xdb\xdd").replace(END, b"\xdb\xdc") + END)
