"""Sigmoids from nearly linear to a step."""

from __future__ import annotations

from conformance import Case, parameters
from tables import table_case

from tinycomp.ops.logistic import Logistic

OUTPUT = parameters(1 / 256, -128)


def cases() -> list[Case]:
    sources = [(scale, zero) for scale in (0.002, 0.047, 0.31, 9.0) for zero in (-128, 4, 127)]
    return [
        table_case(f"scale {scale}, zero point {zero}", Logistic(), parameters(scale, zero), OUTPUT)
        for scale, zero in sources
    ]
