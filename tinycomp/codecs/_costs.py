"""What decoding takes on a core, measured on its emulated boards by benchmarks/fit_decoding.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tinycomp.codecs._codec import Codec, Encoded

FOLDER = Path(__file__).resolve().parent / "costs"
"""One file per instruction set: {codec: coefficients of its terms}, and PRODUCT. Sets
without a file take the instructions of a Cortex-M4.
"""
PRODUCT = "product"
"""Name of the coefficient that belongs to no codec."""
WEIGHTS = "weights"
"""The term whose amount is 1 for every codec."""
INSTRUCTIONS_A_PRODUCT = 2
"""Approximate instructions per multiply-accumulate on a 32-bit core; tuned kernels take 1 to 5."""


@dataclass(frozen=True)
class DecodingCosts:
    """A core's times for decoding, in its own unit: instructions, or cycles of an AVR."""

    product: float = INSTRUCTIONS_A_PRODUCT
    """Time of a multiply-accumulate with weights that are not decoded."""
    codecs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By codec: coefficients of its terms. A missing codec takes what it does on a Cortex-M4, in
    terms of products.
    """

    def of(self, codec: Codec, encoded: Encoded) -> float:
        """What decoding a weight takes, in instructions of a core with INSTRUCTIONS_A_PRODUCT: so
        the same limits apply to fast and slow cores.
        """
        return self.taken(codec, encoded.amounts)

    def taken(self, codec: Codec, amounts: Mapping[str, float]) -> float:
        """What these amounts take; those that are missing take nothing."""
        own, known = self.codecs.get(codec.name), {**amounts, WEIGHTS: 1.0}
        terms = (own or codec.instructions).items()
        time = sum(each * known.get(term, 0.0) for term, each in terms)
        return time if own is None else time * self.scale

    @property
    def scale(self) -> float:
        """Instructions of that other core for each unit of time on this one."""
        return INSTRUCTIONS_A_PRODUCT / self.product


@cache
def decoding_costs(kernels: str) -> DecodingCosts:
    """The costs of an instruction set: measured, or else those of a Cortex-M4."""
    path = FOLDER / f"{kernels}.json"
    if not path.is_file():
        return DecodingCosts()
    found = json.loads(path.read_text(encoding="utf-8"))
    return DecodingCosts(found.pop(PRODUCT), found)
