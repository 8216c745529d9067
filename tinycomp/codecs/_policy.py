"""How the stored form of a layer is chosen: bytes against instructions for decoding."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """How an inference uses the weights of a layer."""

    readings: int = 1
    """How often each weight is read."""
    products: float = 1
    """Multiply-accumulates per weight."""


@dataclass(frozen=True)
class Policy:
    """Which stored forms of a layer are allowed; the smallest allowed one is chosen."""

    decoded: float = 1
    """The largest size of a form that must be decoded, as a fraction of the form read in place."""
    entropy: float = 1
    """The largest size of an entropy-coded form, as a fraction of the smallest other form."""
    byte: float = math.inf
    """The most instructions per inference for each byte that an entropy-coded form saves, or a
    decoded one compared with another. Like all limits in instructions, for a core with two a
    product: see DecodingCosts.
    """
    slowdown: float = math.inf
    """The most work for decoding, as a fraction of the layer's own work, in portable C; tuned
    kernels decode about three times faster.
    """
    beside: float = 0
    """The most instructions per inference for each byte that packing the constants beside weights
    saves. Few instructions (see UNNOTICED) are always allowed.
    """
    packed: float = 2 / 3
    """The largest size of packed constants beside weights, as a fraction of their plain bytes."""

    @property
    def compact(self) -> bool:
        """Whether constants are looked for that take few bytes when packed, which takes time."""
        return self.packed > PLAIN.packed

    def packs(self, packed: int, plain: int, cost: float, work: float) -> bool:
        """Whether to pack constants beside weights.

        Args:
            packed, plain: their bytes.
            cost: instructions per inference that unpacking takes.
            work: multiply-accumulates of the layer.
        """
        if packed > self.packed * plain:
            return False
        return cost <= UNNOTICED * work or cost <= self.beside * (plain - packed)

    @property
    def counts_readings(self) -> bool:
        """Whether the choice depends on how often weights are read."""
        return self.entropy > 0 or self.slowdown < math.inf


UNNOTICED = 0.003
"""The share of a layer's work that is too little to count: an instruction a product is the least it
takes.
"""
FASTEST = Policy(entropy=0.85, byte=150, slowdown=0.35)
BALANCED = Policy(entropy=0.85, byte=150, beside=150)
PLAIN = Policy(entropy=0)
"""Entropy-coded forms only if they are faster as well."""
FEWEST_BYTES = Policy(byte=1000, beside=1000)
SMALLEST = Policy(beside=math.inf, packed=0.9)
"""Whatever it takes."""
