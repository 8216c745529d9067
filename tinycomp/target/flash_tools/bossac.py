"""bossac: boards with a SAM-BA bootloader (Arduino Nano 33 BLE)."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool


class Bossac(FlashTool):
    """It needs no settings."""

    programs: ClassVar[tuple[str, ...]] = ("bossac",)
    install: ClassVar[str] = (
        "Install Arduino's bossac, which knows the nRF52840 (that of apt and Homebrew does not): "
        "pio pkg install --global --tool platformio/tool-bossac-nordicnrf52, then put its folder "
        "on the PATH."
    )
    formats: ClassVar[tuple[str, ...]] = ("bin",)

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """bossac puts /dev/ before the port itself."""
        port = PurePath(job.port).name
        return (job.program, f"--port={port}", "-U", "-i", "-e", "-w", str(job.firmware), "-R")
