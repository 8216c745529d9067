"""Rectifiers without and with an upper bound, which some outputs can exceed."""

from __future__ import annotations

from conformance import Case, parameters
from tables import RESCALINGS, table_case

from tinycomp.ops.relu import Relu


def cases() -> list[Case]:
    source, wide, narrow = parameters(0.08, -10), parameters(0.05, -128), parameters(0.01, -128)
    found = [table_case(name, Relu(), source, output) for name, source, output in RESCALINGS]
    for limit in (0.0, 1.0, 2.5, 6.0, 20.0):
        found.append(table_case(f"at most {limit}", Relu(limit), source, wide))
        found.append(table_case(f"at most {limit}, saturating", Relu(limit), source, narrow))
    return found
