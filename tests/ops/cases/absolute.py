"""Absolute values: with equal and different scales, from every zero point."""

from __future__ import annotations

from conformance import Case
from tables import RESCALED, SOURCES, table_case

from tinycomp.ops.absolute import Absolute


def cases() -> list[Case]:
    functions = {name: (Absolute(), output) for name, output in RESCALED.items()}
    return [table_case(f"zero point {s.zero_point}", s, functions) for s in SOURCES]
