"""What a stored form is chosen by: its bytes against the instructions that decoding takes."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """What an inference does with a layer's weights. readings: how often it reads them all.
    products: multiply-accumulates that a weight takes part in.
    """

    readings: int = 1
    products: float = 1


@dataclass(frozen=True)
class Policy:
    """Which stored forms of a layer may be taken; of these it is the smallest.

    decoded: the share that a form which has to be decoded must reach of the bytes of one that is
    read in place.
    entropy: the share that an entropy-coded form must reach of the bytes of the smallest other one.
    byte: instructions an inference that a byte may take which an entropy-coded form saves.
    slowdown: the share that decoding may take of the layer's own work; by portable C, while tuned
    kernels decode about three times quicker.
    """

    decoded: float = 1
    entropy: float = 1
    byte: float = math.inf
    slowdown: float = math.inf

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
