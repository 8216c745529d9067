"""[arduino]: what the Arduino core of a board needs to know."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tinycomp.target.section import Section


class Arduino(Section):
    """Values of the core's platform.txt and boards.txt."""

    fqbn: str
    """The board's name for arduino-cli, "arduino:avr:uno"."""
    f_cpu: Annotated[int, Field(gt=0)]
    """The clock in Hz."""
    define: str
    """ARDUINO_<define>, "AVR_UNO"."""
    variant: str
    """The folder under the core's variants/ that has the pins."""
