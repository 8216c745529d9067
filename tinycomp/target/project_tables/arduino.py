"""[arduino]: settings for a board's Arduino core."""

from __future__ import annotations

from tinycomp.target.section import Section


class Arduino(Section):
    """Values of the core's platform.txt and boards.txt."""

    fqbn: str
    """The board's name for arduino-cli, "arduino:avr:uno"."""
    define: str = ""
    """ARDUINO_<define>, "AVR_UNO", for building an AVR's sketch without arduino-cli."""
    variant: str = ""
    """The folder with the pins, under the variants/ of the AVR core; empty: built by arduino-cli
    only.
    """
