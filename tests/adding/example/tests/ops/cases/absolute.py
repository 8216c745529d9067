"""Absolute values: zero points at both ends; saturation, coarse outputs, ties."""

from __future__ import annotations

from conformance import Case
from tables import RESCALED, SOURCES, Functions, table_case

from tinycomp.ops.absolute import Absolute


def cases() -> list[Case]:
    functions: Functions = {name: (Absolute(), output) for name, output in RESCALED.items()}
    return [table_case(f"zero point {s.zero_point}", s, functions) for s in SOURCES]
