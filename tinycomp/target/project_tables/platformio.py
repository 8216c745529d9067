"""[platformio]: the board in platformio.ini."""

from __future__ import annotations

from tinycomp.target.section import Section


class PlatformIO(Section):
    """Values of an environment in platformio.ini, with their names there."""

    platform: str
    """The development platform, "espressif32"."""
    board: str
    """The board's name in PlatformIO, "esp32dev"."""
    framework: str = "arduino"
    """The framework, "arduino"."""
    mcu: str = ""
    """The chip's name, if it has cores of several kinds: "rp2350-riscv"; empty: the board's own."""
