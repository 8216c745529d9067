"""GELUs: both forms, scales from nearly linear to a step."""

from __future__ import annotations

from conformance import Case, parameters
from tables import RESCALED, SOURCES, Functions, table_case

from tinycomp.ops.gelu import Gelu


def cases() -> list[Case]:
    functions: Functions = {
        f"{name}, {form}": (Gelu(form == "by tanh"), output)
        for name, output in RESCALED.items()
        for form in ("by erf", "by tanh")
    }
    sources = (*SOURCES, parameters(0.002, 5), parameters(3.0, -5))
    return [table_case(f"{s.scale:g}, {s.zero_point}", s, functions) for s in sources]
