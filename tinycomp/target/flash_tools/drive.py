"""drive: boards that appear as a USB drive, to which programs are copied."""

from __future__ import annotations

from typing import ClassVar, Literal

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool


class Drive(FlashTool):
    """No program is needed; tinycomp copies the file itself."""

    programs: ClassVar[tuple[str, ...]] = ()
    install: ClassVar[str] = ""
    formats: ClassVar[tuple[str, ...]] = ("uf2", "hex", "bin")
    needs_port: ClassVar[bool] = False

    label: str
    """The drive's name, "RPI-RP2"."""
    format: Literal["uf2", "hex", "bin"]
    """The format that the board accepts."""

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """For display only: `job.port` is the folder of the drive."""
        return ("cp", str(job.firmware), job.port)
