"""pyocd: Arm boards with a debug probe."""

from __future__ import annotations

from typing import ClassVar

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool


class Pyocd(FlashTool):
    """Options as in pyOCD's documentation."""

    programs: ClassVar[tuple[str, ...]] = ("pyocd",)
    install: ClassVar[str] = "Install pyOCD: pip install pyocd."
    formats: ClassVar[tuple[str, ...]] = ("elf",)
    needs_port: ClassVar[bool] = False

    target: str
    """The chip; one that `pyocd list --targets` lacks needs `pyocd pack install` first."""

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """Selects the probe by its serial number, if known."""
        probe = ("--uid", job.serial_number) if job.serial_number else ()
        return (job.program, "load", "--target", self.target, *probe, str(job.firmware))
