"""Values between -1 and 1: zero points at both ends; saturation, coarse outputs, ties."""

from __future__ import annotations

from conformance import Case
from tables import RESCALED, SOURCES, Functions, table_case
from tinycomp.ops.clipped import Clipped


def cases() -> list[Case]:
    functions: Functions = {name: (Clipped(), output) for name, output in RESCALED.items()}
    return [table_case(f"zero point {s.zero_point}", s, functions) for s in SOURCES]
