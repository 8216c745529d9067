"""What a stored form is chosen by: its bytes against the instructions that decoding takes."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """What an inference does with a layer's weights."""

    readings: int = 1
    """How often it reads them all."""
    products: float = 1
    """Multiply-accumulates that each weight takes part in."""


@dataclass(frozen=True)
class Policy:
    """Which stored forms of a layer may be taken; the smallest of these is."""

    decoded: float = 1
    """The share that a form which must be decoded has to reach of the bytes of one that is read in
    place.
    """
    entropy: float = 1
    """The share that an entropy-coded form has to reach of the bytes of the smallest other one."""
    byte: float = math.inf
    """Instructions an inference that each byte may cost which an entropy-coded form saves."""
    slowdown: float = math.inf
    """The share that decoding may take of the layer's own work, by portable C; tuned kernels decode
    about three times faster.
    """

    @property
    def counts_readings(self) -> bool:
        """Whether it matters how often weights are read."""
        return self.entropy > 0 or self.slowdown < math.inf


FASTEST = Policy(entropy=0.85, byte=150, slowdown=0.35)
BALANCED = Policy(entropy=0.85, byte=150)
PLAIN = Policy(entropy=0)
"""Entropy-coded forms only where they are quicker as well."""
FEWEST_BYTES = Policy(byte=1000)
SMALLEST = Policy()
"""Whatever it takes."""
