"""The interface of a flash tool; its fields are the table [flash.<name>] of a board file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tinycomp.target.section import Section


@dataclass(frozen=True)
class Part:
    """A further file to flash with the program."""

    address: int
    """Offset in the flash."""
    path: Path
    """The raw bytes."""


@dataclass(frozen=True)
class FlashJob:
    """The files to flash and the connection."""

    firmware: Path
    """The program, in one of the tool's formats."""
    address: int
    """Address of the program in the chip's address space."""
    program: str
    """The tool's command: a name, or a path."""
    version: tuple[int, ...] = ()
    """Version of the tool; empty if unknown: the newest is assumed."""
    port: str = ""
    """The serial port; empty if the tool finds the board by USB."""
    serial_number: str = ""
    """Serial number of the USB device; empty: any."""
    parts: tuple[Part, ...] = ()
    """Further files to write."""


class FlashTool(Section):
    """A flash tool. Its name is the name of its module, with hyphens for underscores."""

    programs: ClassVar[tuple[str, ...]]
    """Possible command names; the first one installed is used."""
    install: ClassVar[str]
    """How to install it, as a sentence."""
    formats: ClassVar[tuple[str, ...]]
    """Formats that it reads, best first: elf, hex, bin, uf2."""
    converted: ClassVar[bool] = True
    """Whether a program may be converted to its formats; else the project's build must provide one.
    """
    needs_port: ClassVar[bool] = True
    """Whether it needs a serial port; else it finds the board by USB."""
    version_arguments: ClassVar[tuple[str, ...]] = ()
    """Arguments to print its version, if the command depends on it."""

    @abstractmethod
    def command(self, job: FlashJob) -> tuple[str, ...]:
        """The command line."""

    def parts(self, folder: Path) -> tuple[Part, ...]:
        """Further files to write, which a build leaves in the program's folder."""
        return ()

    def made(self) -> Mapping[str, bytes]:
        """Contents of the parts that no build produces, by name."""
        return {}

    def problem(self, firmware: bytes) -> str | None:
        """Why a program is not for this board, as far as its bytes tell; else None."""
        return None
