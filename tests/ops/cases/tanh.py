"""Hyperbolic tangents from nearly linear to a step."""

from __future__ import annotations

from conformance import Case, parameters
from tables import table_case

from tinycomp.ops.tanh import Tanh

OUTPUT = parameters(1 / 128)


def cases() -> list[Case]:
    return [
        table_case(f"scale {scale}", parameters(scale, zero), {"output": (Tanh(), OUTPUT)})
        for scale, zero in ((0.002, -128), (0.047, 4), (0.31, 127), (9.0, 4))
    ]
