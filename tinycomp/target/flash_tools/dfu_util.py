"""dfu-util: chips and bootloaders with USB DFU (Arduino Portenta, Giga)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool


class DfuUtil(FlashTool):
    """Options as in dfu-util's manual."""

    programs: ClassVar[tuple[str, ...]] = ("dfu-util",)
    install: ClassVar[str] = "Install dfu-util: apt install dfu-util, brew install dfu-util."
    formats: ClassVar[tuple[str, ...]] = ("bin",)
    needs_port: ClassVar[bool] = False

    device: Annotated[str, Field(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]
    """Vendor and product id of the bootloader, "2341:035b"."""
    alt: Annotated[int, Field(ge=0)] = 0
    """The alternate setting that is the flash."""

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """Whether to start the program afterwards."""
        vendor, product = self.device.split(":")
        return (
            job.program, "--device", f"0x{vendor}:0x{product}", "-a", str(self.alt),
            f"--dfuse-address=0x{job.address:08x}:leave", "-D", str(job.firmware),
        )  # fmt: skip
