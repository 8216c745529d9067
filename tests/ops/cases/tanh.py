"""Hyperbolic tangents from nearly linear to a step."""

from __future__ import annotations

from conformance import Case, parameters
from tables import table_case

from tinycomp.ops.tanh import Tanh

OUTPUT = parameters(1 / 128, 0)


def cases() -> list[Case]:
    sources = [(scale, zero) for scale in (0.002, 0.023, 0.17, 9.0) for zero in (-128, 4, 127)]
    return [
        table_case(f"scale {scale}, zero point {zero}", Tanh(), parameters(scale, zero), OUTPUT)
        for scale, zero in sources
    ]
