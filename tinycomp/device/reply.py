"""Parsing of a device's replies.

A device may send anything. Whatever does not conform to docs/serial.md is a DamagedReplyError that
names the command and the line.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import DeviceError

LINE_HINT = "Try a lower baud rate or a shorter cable."
NUMBER_MAX = (1 << 64) - 1
"""The largest number that the firmware can send."""
_DATA = re.compile(r"m-tc-data-\[(\d{1,10}),((?:[0-9a-f]{2})+)]")
_REAL = re.compile(r"-?\d{1,20}\.\d{3}")


class DamagedReplyError(DeviceError):
    """A reply is an error line, or violates the protocol: worth another attempt."""


@dataclass(frozen=True)
class Reply:
    """The lines of a reply, without the final m-ready."""

    port: str
    """Name of the device's port."""
    command: str
    """The command that it replies to."""
    lines: tuple[str, ...]
    """Without line ends."""

    def damaged(
        self, problem: str, line: str | None = None, hint: str = LINE_HINT
    ) -> DamagedReplyError:
        """An error that names the port, the command, the problem and the line."""
        got = "" if line is None else f", got {short(line)!r}"
        return DamagedReplyError(
            f"The device on {self.port} answered '{short(self.command)}' with {problem}{got}.",
            hint=hint,
        )

    def one(self, pattern: str) -> re.Match[str]:
        """The match of the only line with a pattern.

        Raises:
            DamagedReplyError: no line has it, or several.
        """
        found = [match for line in self.lines if (match := re.fullmatch(pattern, line))]
        if len(found) != 1:
            line = found[1][0] if found else next(iter(self.lines), None)
            raise self.damaged(f"{len(found)} lines like {pattern} instead of one", line)
        return found[0]

    def text(self, key: str) -> str:
        """The text in the brackets of the line m-tc-<key>-[...]."""
        return self.one(rf"m-tc-{key}-\[(.*)]")[1]

    def number(self, key: str, largest: int = NUMBER_MAX, smallest: int = 0) -> int:
        """The number in the brackets of the line m-tc-<key>-[...]."""
        match = self.one(rf"m-tc-{key}-\[(.*)]")
        return self.checked(match[1], match[0], largest, smallest)

    def checked(self, digits: str, line: str, largest: int, smallest: int = 0) -> int:
        """A part of a line as a number.

        Raises:
            DamagedReplyError: it is not a number, or out of bounds.
        """
        value = int(digits) if re.fullmatch(r"[0-9]{1,20}", digits) else -1
        if not smallest <= value <= largest:
            raise self.damaged(f"no number from {smallest} to {largest}", line)
        return value

    def numbered(self, pattern: str, count: int) -> list[re.Match[str]]:
        """One line for each number from 0 on, in order; the number is the pattern's first group.

        Raises:
            DamagedReplyError: other lines, or fewer or more.
        """
        found = [re.fullmatch(pattern, line) for line in self.lines]
        for index, match in enumerate(found):
            if match is None or match[1] != str(index):
                raise self.damaged(f"a wrong line number {index}", self.lines[index])
        if len(found) != count:
            raise self.damaged(f"{len(found)} lines of {count}")
        return [match for match in found if match is not None]

    def tensor(self, size: int | None, largest: int) -> NDArray[np.int8]:
        """A tensor: lines of data with their offsets, followed by its size and CRC-32.

        Args:
            size: its bytes; None if only the device knows.
            largest: maximum number of bytes accepted.
        """
        sent = self.one(r"m-tc-sent-\[([0-9]{1,10}),([0-9a-f]{8})]")
        parts = list(self._parts(largest if size is None else size))
        crc = 0
        for _, part in parts:
            crc = zlib.crc32(part, crc)
        if sum(len(part) for _, part in parts) != int(sent[1]) or crc != int(sent[2], 16):
            raise self.damaged("a wrong CRC-32", sent[0])
        end = max((offset + len(part) for offset, part in parts), default=0)
        result, seen = np.zeros(end, np.int8), np.zeros(end, bool)
        for offset, part in parts:
            result[offset : offset + len(part)] = np.frombuffer(part, np.int8)
            seen[offset : offset + len(part)] = True
        wanted = end if size is None else size
        if int(seen.sum()) != wanted or end != wanted:
            raise self.damaged(f"{int(seen.sum())} of {wanted} bytes")
        return result

    def _parts(self, largest: int) -> Iterator[tuple[int, bytes]]:
        for line in self.lines[:-1]:
            match = _DATA.fullmatch(line)
            if match is None:
                raise self.damaged("garbage within a tensor", line)
            offset, part = int(match[1]), bytes.fromhex(match[2])
            if offset + len(part) > largest:
                raise self.damaged(f"bytes beyond the {largest} of the tensor", line)
            yield offset, part

    def results(self, *counts: int) -> tuple[float, ...]:
        """The real values of an output; their number must be one of the counts."""
        match = self.one(r"m-results-\[(.*)]")
        values = match[1].split(",")
        if len(values) not in counts or not all(_REAL.fullmatch(value) for value in values):
            raise self.damaged(f"no {counts[0]} values", match[0])
        return tuple(float(value) for value in values)

    def bytes_of_buffer(self, largest: int) -> bytes:
        """The bytes printed by `db print`."""
        found = (self._buffer_line(line) for line in self.lines)
        data = b"".join(found)
        if len(data) > largest:
            raise self.damaged(f"{len(data)} bytes, more than {largest}")
        return data

    def _buffer_line(self, line: str) -> bytes:
        if not re.fullmatch(r"m-buffer(?:-[0-9a-f]{2})+", line):
            raise self.damaged("a line that holds no bytes", line)
        return bytes.fromhex(line.removeprefix("m-buffer").replace("-", ""))


def short(text: str) -> str:
    """Return text shortened for a message."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def said(lines: Iterable[str]) -> str:
    """The last lines, shortened for a message."""
    return "; ".join(repr(short(line)) for line in list(lines)[-3:]) or "nothing"
