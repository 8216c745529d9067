"""esptool: Espressif's chips, through the bootloader in their ROM."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool, Part

IMAGE_MAGIC = 0xE9
"""The first byte of an application (esptool documentation, "Firmware Image Format")."""
CHIP_IDS = {
    "esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c2": 12, "esp32c6": 13,
    "esp32h2": 16, "esp32p4": 18,
}  # fmt: skip
"""Chip ids in the extended header of an image; the ESP8266's images have none."""
_DASHES_SINCE = (5,)
"""Version 5 writes commands and values with dashes, version 4 with underscores."""
_PARTITIONS, _OTA_DATA, _OTA_SIZE = 0x8000, 0xE000, 0x2000
"""Offsets in the partition tables of the Arduino core."""
_FIRST_APPLICATION = "boot_app0.bin"


class Esptool(FlashTool):
    """Options as in esptool's documentation."""

    programs: ClassVar[tuple[str, ...]] = ("esptool", "esptool.py")
    install: ClassVar[str] = "Install esptool: pip install 'tinycomp[flash]'."
    formats: ClassVar[tuple[str, ...]] = ("bin",)
    converted: ClassVar[bool] = False
    version_arguments: ClassVar[tuple[str, ...]] = ("version",)

    chip: str
    """Value of --chip, "esp32s3"."""
    baud: Annotated[int, Field(gt=0)] = 460_800
    """Baud rate while flashing."""
    flash_mode: str = "dio"
    """Flash mode at boot."""
    flash_freq: str = "80m"
    """The flash's clock."""
    bootloader: Annotated[int, Field(ge=0)] | None = None
    """Offset of the second-stage bootloader in the flash; None: the chip needs none."""
    application: Annotated[int, Field(ge=0)] = 0x10000
    """Offset of the program in the flash."""

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """A command or option in the spelling of the version; without a version, of version 5."""
        dashes = not job.version or job.version >= _DASHES_SINCE
        options = {
            "--flash-mode": self.flash_mode,
            "--flash-freq": self.flash_freq,
            "--flash-size": "detect",
        }
        parts = sorted([*job.parts, Part(self.application, job.firmware)], key=lambda p: p.address)
        written = [word for part in parts for word in (hex(part.address), str(part.path))]
        words = [
            "--before", "default-reset", "--after", "hard-reset", "write-flash", "-z",
            *(word for pair in options.items() for word in pair),
        ]  # fmt: skip
        spelled = words if dashes else [_with_underscores(word) for word in words]
        line = ("--chip", self.chip, "--port", job.port, "--baud", str(self.baud))
        return (job.program, *line, *spelled, *written)

    def parts(self, folder: Path) -> tuple[Part, ...]:
        """Bootloader, partition table, and which application starts."""
        if self.bootloader is None:
            return ()
        return (
            Part(self.bootloader, folder / "bootloader.bin"),
            Part(_PARTITIONS, folder / "partitions.bin"),
            Part(_OTA_DATA, folder / _FIRST_APPLICATION),
        )

    def made(self) -> Mapping[str, bytes]:
        """The OTA data that selects the application to start."""
        return {} if self.bootloader is None else {_FIRST_APPLICATION: first_application()}

    def problem(self, firmware: bytes) -> str | None:
        """Compares the image's magic byte and chip with the board's."""
        if not firmware or firmware[0] != IMAGE_MAGIC:
            found = f"0x{firmware[0]:02x}" if firmware else "nothing"
            return f"is no application for Espressif's chips: it begins with {found}, not 0xe9"
        wanted = CHIP_IDS.get(self.chip)
        if wanted is None or len(firmware) < 24:
            return None
        (found_id,) = struct.unpack_from("<H", firmware, 12)
        if found_id == wanted:
            return None
        names = {number: name for name, number in CHIP_IDS.items()}
        return f"is for {names.get(found_id, f'chip {found_id}')}, not for {self.chip}"


def _with_underscores(word: str) -> str:
    return word[:2] + word[2:].replace("-", "_")


def first_application() -> bytes:
    """OTA data that starts the first application, independent of the flash's earlier contents:
    sequence number 1 with its CRC-32 (ESP-IDF, "Over The Air Updates").
    """
    number = struct.pack("<I", 1)
    entry = number + bytes([0xFF]) * 24 + struct.pack("<I", zlib.crc32(number, 0xFFFFFFFF))
    return entry.ljust(_OTA_SIZE, b"\xff")
