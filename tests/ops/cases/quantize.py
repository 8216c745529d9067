"""Requantizations."""

from __future__ import annotations

from conformance import Case
from tables import RESCALINGS, table_case

from tinycomp.ops.quantize import Quantize


def cases() -> list[Case]:
    return [table_case(name, Quantize(), source, output) for name, source, output in RESCALINGS]
