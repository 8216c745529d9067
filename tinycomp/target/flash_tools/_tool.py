"""What a program that flashes boards says of itself; its fields are the table [flash.<name>] of a
board file.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tinycomp.target.section import Section


@dataclass(frozen=True)
class Part:
    """A file that is flashed beside the program."""

    address: int
    """Where in the flash."""
    path: Path
    """The raw bytes."""


@dataclass(frozen=True)
class FlashJob:
    """What is flashed, and over what."""

    firmware: Path
    """The program, in one of the tool's formats."""
    address: int
    """Where the program lies in the chip's address space."""
    program: str
    """The tool as it is called: a name, or a path."""
    version: tuple[int, ...] = ()
    """Of the tool; empty where it is not known: the newest is assumed."""
    port: str = ""
    """The serial port; empty where the tool finds the board by USB."""
    serial_number: str = ""
    """Of the USB device; empty where any will do."""
    parts: tuple[Part, ...] = ()
    """What else is written."""


class FlashTool(Section):
    """A program that flashes boards. Its name is the name of its module, underscores as hyphens."""

    programs: ClassVar[tuple[str, ...]]
    """What it may be called; the first that is installed is used."""
    install: ClassVar[str]
    """How to install it, as a sentence."""
    formats: ClassVar[tuple[str, ...]]
    """What it reads, best first: elf, hex, bin, uf2."""
    converted: ClassVar[bool] = True
    """Whether a program may be converted to a format; else the project's build must make it."""
    needs_port: ClassVar[bool] = True
    """It wants a serial port; else it finds the board by USB."""
    version_arguments: ClassVar[tuple[str, ...]] = ()
    """What makes it print its version, where the command depends on that."""

    @abstractmethod
    def command(self, job: FlashJob) -> tuple[str, ...]:
        """The words of the command line."""

    def parts(self, folder: Path) -> tuple[Part, ...]:
        """What is written beside the program, which a build leaves in the same folder."""
        return ()

    def made(self) -> Mapping[str, bytes]:
        """Those of the parts that no build makes, by name: their contents."""
        return {}

    def problem(self, firmware: bytes) -> str | None:
        """Why these bytes of a program are not for this board; None where nothing is known."""
        return None
