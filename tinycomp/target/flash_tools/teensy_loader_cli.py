"""teensy_loader_cli: PJRC's Teensy."""

from __future__ import annotations

from typing import ClassVar

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool


class TeensyLoaderCli(FlashTool):
    """Options as on PJRC's page."""

    programs: ClassVar[tuple[str, ...]] = ("teensy_loader_cli",)
    install: ClassVar[str] = (
        "Install teensy_loader_cli: apt install teensy-loader-cli, brew install teensy_loader_cli."
    )
    formats: ClassVar[tuple[str, ...]] = ("hex",)
    needs_port: ClassVar[bool] = False

    mcu: str
    """Value of --mcu, "TEENSY41"."""

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """-s: ask the running program to reboot; -w: wait for the bootloader."""
        return (job.program, f"--mcu={self.mcu}", "-w", "-s", str(job.firmware))
