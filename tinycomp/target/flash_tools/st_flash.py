"""st-flash: ST's boards with an ST-Link."""

from __future__ import annotations

from typing import ClassVar

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool


class StFlash(FlashTool):
    """It needs no settings."""

    programs: ClassVar[tuple[str, ...]] = ("st-flash",)
    install: ClassVar[str] = "Install st-flash: apt install stlink-tools, brew install stlink."
    formats: ClassVar[tuple[str, ...]] = ("bin",)
    needs_port: ClassVar[bool] = False

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """Selects the probe by its serial number, if known."""
        probe = ("--serial", job.serial_number) if job.serial_number else ()
        return (
            job.program, *probe, "--connect-under-reset", "--reset", "write", str(job.firmware),
            f"0x{job.address:08x}",
        )  # fmt: skip
