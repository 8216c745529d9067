"""avrdude: AVR boards, through their bootloaders (STK500, wiring, JTAG2UPDI)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from tinycomp.target.flash_tools._tool import FlashJob, FlashTool


class Avrdude(FlashTool):
    """Options as in avrdude's manual."""

    programs: ClassVar[tuple[str, ...]] = ("avrdude",)
    install: ClassVar[str] = "Install avrdude: apt install avrdude, brew install avrdude."
    formats: ClassVar[tuple[str, ...]] = ("hex",)

    part: str
    """The chip, "atmega328p"."""
    programmer: str
    """The bootloader's protocol, "arduino"."""
    baud: Annotated[int, Field(gt=0)] = 115_200
    """Baud rate of the bootloader."""
    args: tuple[str, ...] = Field(default=(), strict=False)
    """Further arguments: fuses."""

    def command(self, job: FlashJob) -> tuple[str, ...]:
        """Like in the boards' platform.txt; -D: the bootloader erases page by page."""
        return (
            job.program, "-p", self.part, "-c", self.programmer, "-P", job.port,
            "-b", str(self.baud), "-D", *self.args, "-U", f"flash:w:{job.firmware}:i",
        )  # fmt: skip
