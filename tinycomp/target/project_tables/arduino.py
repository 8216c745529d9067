"""[arduino]: what the Arduino core of a board needs to know."""

from __future__ import annotations

from tinycomp.target.section import Section


class Arduino(Section):
    """Values of the core's platform.txt and boards.txt."""

    fqbn: str
    """The board's name for arduino-cli, "arduino:avr:uno"."""
    define: str
    """ARDUINO_<define>, "AVR_UNO"."""
    variant: str
    """The folder under the core's variants/ that has the pins."""
