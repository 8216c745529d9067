"""Reads and writes programs for flashing: ELF, Intel HEX, UF2 and raw bytes.

In any format, a program is a list of byte ranges at addresses of the chip's flash.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from tinycomp.common.errors import ToolError

ELF_MAGIC = b"\x7fELF"
_AVR_RAM = 0x800000
"""Start of GCC's address ranges for RAM, EEPROM and fuses of an AVR, which are not flash."""
_UF2 = struct.Struct("<8I")
_UF2_MAGIC = (0x0A324655, 0x9E5D5157)
_UF2_END = struct.pack("<I", 0x0AB16F30)
_UF2_BLOCK, _UF2_BYTES = 512, 256
_UF2_FAMILY = 0x2000
"""Flag: the block has a family id (github.com/microsoft/uf2)."""
_HEX_BYTES = 16


@dataclass(frozen=True)
class Segment:
    """A contiguous range of bytes."""

    address: int
    """Address of the first byte."""
    data: bytes
    """At least one."""

    @property
    def end(self) -> int:
        """The address after the last byte."""
        return self.address + len(self.data)


def read_image(path: Path, address: int) -> tuple[Segment, ...]:
    """The bytes of a program, by address, with adjacent ranges joined.

    Args:
        path: an ELF, Intel HEX or UF2 file, detected by its content; anything else is raw bytes.
        address: of raw bytes.

    Raises:
        ToolError: the file can't be read, is damaged or has no data for the flash.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ToolError(f"'{path}' can't be read: {error.strerror or error}.") from error
    if data[:4] == ELF_MAGIC:
        found = _elf(data, path)
    elif data[:4] == struct.pack("<I", _UF2_MAGIC[0]):
        found = _uf2(data, path)
    elif path.suffix == ".hex":
        found = _hex(data, path)
    else:
        found = [Segment(address, data)]
    segments = _joined(segment for segment in found if segment.data)
    if not segments:
        raise ToolError(f"'{path}' has no data for the flash.", hint="Build the project again.")
    return segments


def _joined(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    joined: list[Segment] = []
    for segment in sorted(segments, key=lambda segment: segment.address):
        if joined and joined[-1].end == segment.address:
            joined[-1] = Segment(joined[-1].address, joined[-1].data + segment.data)
        else:
            joined.append(segment)
    return tuple(joined)


def _elf(data: bytes, path: Path) -> list[Segment]:
    """The loaded segments, at their load addresses; without zero-initialized RAM."""
    try:
        elf = ELFFile(io.BytesIO(data))
        avr = elf["e_machine"] == "EM_AVR"
        loaded = [
            Segment(segment["p_paddr"], segment.data())
            for segment in elf.iter_segments()
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
        ]
    except Exception as error:  # pyelftools raises many types for damaged files
        raise _damaged(path, f"it is not a complete ELF file ({error})") from error
    return [segment for segment in loaded if not (avr and segment.address >= _AVR_RAM)]


def _hex(data: bytes, path: Path) -> list[Segment]:
    """Record types of Intel's specification: data, end of file, and both kinds of extended
    addresses.
    """
    segments: list[Segment] = []
    base = 0
    for number, line in enumerate(data.decode("ascii", "replace").split(), start=1):
        try:
            record = bytes.fromhex(line.removeprefix(":"))
        except ValueError:
            record = b""
        if len(record) < 5 or len(record) != record[0] + 5 or sum(record) & 0xFF:
            raise _damaged(path, f"line {number} is not a complete Intel HEX record")
        address, kind, content = int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        if kind == 1:
            return segments
        if kind == 0:
            segments.append(Segment(base + address, content))
        elif kind in (2, 4):
            base = int.from_bytes(content, "big") << (4 if kind == 2 else 16)
    raise _damaged(path, "its end is missing")


def _uf2(data: bytes, path: Path) -> list[Segment]:
    segments = []
    for at in range(0, len(data), _UF2_BLOCK):
        block = data[at : at + _UF2_BLOCK]
        if len(block) != _UF2_BLOCK or block[-4:] != _UF2_END:
            raise _damaged(path, f"block {at // _UF2_BLOCK} is not complete")
        first, second, _, address, size, *_ = _UF2.unpack_from(block)
        if (first, second) != _UF2_MAGIC or size > _UF2_BLOCK - _UF2.size - 4:
            raise _damaged(path, f"block {at // _UF2_BLOCK} is not a UF2 block")
        segments.append(Segment(address, block[_UF2.size : _UF2.size + size]))
    return segments


def uf2_families(path: Path) -> frozenset[int]:
    """The family ids in the blocks of a UF2 file; empty for other files."""
    data = path.read_bytes()
    heads = (_UF2.unpack_from(data, at) for at in range(0, len(data) - 511, _UF2_BLOCK))
    return frozenset(
        head[7] for head in heads if head[:2] == _UF2_MAGIC and head[2] & _UF2_FAMILY
    )  # fmt: skip


def _damaged(path: Path, why: str) -> ToolError:
    return ToolError(f"'{path}' can't be flashed: {why}.", hint="Build the project again.")


def write_image(
    segments: tuple[Segment, ...], path: Path, address: int, family: int | None
) -> Path:
    """Write a program in the format of the file's suffix: .hex, .bin or .uf2.

    Args:
        segments: the program.
        path: the file.
        address: start of raw bytes; gaps are filled with 0xff, like erased flash.
        family: the chip's number in UF2 files.

    Raises:
        ToolError: the program begins before the address, or is too spread out for raw bytes.
    """
    if path.suffix == ".hex":
        path.write_text("".join(_hex_lines(segments)), encoding="ascii", newline="\n")
    elif path.suffix == ".uf2":
        path.write_bytes(b"".join(_uf2_blocks(segments, family or 0)))
    else:
        path.write_bytes(_raw(segments, path, address))
    return path


def _raw(segments: tuple[Segment, ...], path: Path, address: int) -> bytes:
    if segments[0].address < address:
        raise _damaged(
            path, f"it begins at 0x{segments[0].address:x}, before the flash at 0x{address:x}"
        )
    content = bytearray()
    for segment in segments:
        content = content.ljust(segment.address - address, b"\xff") + segment.data
    return bytes(content)


def _hex_lines(segments: tuple[Segment, ...]) -> Iterator[str]:
    high = 0
    for segment in segments:
        at = segment.address
        while at < segment.end:
            if at >> 16 != high:
                high = at >> 16
                yield _hex_record(0, 4, high.to_bytes(2, "big"))
            size = min(_HEX_BYTES, segment.end - at, 0x10000 - (at & 0xFFFF))
            start = at - segment.address
            yield _hex_record(at & 0xFFFF, 0, segment.data[start : start + size])
            at += size
    yield _hex_record(0, 1, b"")


def _hex_record(address: int, kind: int, content: bytes) -> str:
    record = bytes([len(content), *address.to_bytes(2, "big"), kind]) + content
    return f":{record.hex().upper()}{-sum(record) & 0xFF:02X}\n"


def _uf2_blocks(segments: tuple[Segment, ...], family: int) -> Iterator[bytes]:
    pages = _pages(segments)
    for number, (address, page) in enumerate(sorted(pages.items())):
        flags = _UF2_FAMILY if family else 0
        size, count = _UF2_BYTES, len(pages)
        head = _UF2.pack(*_UF2_MAGIC, flags, address, size, number, count, family)
        yield (head + bytes(page)).ljust(_UF2_BLOCK - 4, b"\0") + _UF2_END


def _pages(segments: tuple[Segment, ...]) -> dict[int, bytearray]:
    """The pages that a program uses, by address: bootloaders need whole pages."""
    pages: dict[int, bytearray] = {}
    for segment in segments:
        for at in range(segment.address, segment.end):
            page = pages.setdefault(at - at % _UF2_BYTES, bytearray(_UF2_BYTES))
            page[at % _UF2_BYTES] = segment.data[at - segment.address]
    return pages
