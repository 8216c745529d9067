"""openocd: boards with a debug probe (ST-Link, CMSIS-DAP, J-Link)."""

from __future__ import annotations

from typing import ClassVar

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool


class Openocd(FlashTool):
    """Names of OpenOCD's own configuration files, without .cfg."""

    programs: ClassVar[tuple[str, ...]] = ("openocd",)
    install: ClassVar[str] = "Install OpenOCD: apt install openocd, brew install open-ocd."
    formats: ClassVar[tuple[str, ...]] = ("elf",)
    needs_port: ClassVar[bool] = False

    interface: str
    """The probe, "stlink"."""
    target: str
    """The chip, "stm32l4x"."""

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """Braces keep a path with spaces a single Tcl word."""
        probe = ("-c", f"adapter serial {job.serial_number}") if job.serial_number else ()
        script = f"program {{{job.firmware}}} verify reset exit"
        return (
            job.program, "-f", f"interface/{self.interface}.cfg", *probe,
            "-f", f"target/{self.target}.cfg", "-c", script,
        )  # fmt: skip
