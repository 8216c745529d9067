"""Requantization, also of a tensor that is not needed afterwards (in place)."""

from __future__ import annotations

from conformance import Case, CaseBuilder
from tables import EVERY_INPUT, RESCALED, SOURCES, table_case

from tinycomp.ops.quantize import Quantize


def cases() -> list[Case]:
    functions = {name: (Quantize(), output) for name, output in RESCALED.items()}
    found = [table_case(f"zero point {s.zero_point}", s, functions) for s in SOURCES]
    return [*found, _chain()]


def _chain() -> Case:
    builder = CaseBuilder(EVERY_INPUT.shape[1:], SOURCES[1])
    name = "input"
    for output in ("equal", "coarser", "half steps", "other zero point"):
        name = builder.add(Quantize(), [name], RESCALED[output])
    return Case("chain", builder.graph(), EVERY_INPUT)
