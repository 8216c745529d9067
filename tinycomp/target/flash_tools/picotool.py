"""picotool: Raspberry Pi's RP2040 and RP2350 in BOOTSEL mode."""

from __future__ import annotations

from typing import ClassVar

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool


class Picotool(FlashTool):
    """It needs no settings."""

    programs: ClassVar[tuple[str, ...]] = ("picotool",)
    install: ClassVar[str] = (
        "Install picotool: brew install picotool, or from github.com/raspberrypi/picotool."
    )
    formats: ClassVar[tuple[str, ...]] = ("uf2",)
    needs_port: ClassVar[bool] = False

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """-v: read back and compare; -x: start the program."""
        return (job.program, "load", "-v", "-x", str(job.firmware))
