"""Program files of a few bytes, in the formats of linkers and build tools."""

from __future__ import annotations

import struct

ARM, XTENSA, AVR, RISCV, X86_64 = 40, 94, 83, 243, 62


def elf(machine: int, address: int, data: bytes, flags: int = 0, *, bits: int = 32) -> bytes:
    """An ELF file with one segment."""
    if bits == 64:
        head = struct.pack(
            "<HHIQQQIHHHHHH", 2, machine, 1, address, 64, 0, flags, 64, 56, 1, 0, 0, 0
        )
        segment = struct.pack("<IIQQQQQQ", 1, 5, 120, address, address, len(data), len(data), 1)
        return b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + head + segment + data
    head = struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, address, 52, 0, flags, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<IIIIIIII", 1, 84, address, address, len(data), len(data), 5, 1)
    return b"\x7fELF\x01\x01\x01".ljust(16, b"\0") + head + segment + data


def esp_application(chip: int, data: bytes = b"program") -> bytes:
    """An image with the extended header of Espressif's applications."""
    head = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x40080000)
    extended = struct.pack("<B3xHBHH4xB", 0xEE, chip, 0, 0, 0, 0)
    return head + extended + data
