"""Leaky rectifiers: slopes of every kind, with and without an upper bound."""

from __future__ import annotations

from conformance import Case, parameters
from tables import RESCALINGS, table_case

from tinycomp.ops.leaky_relu import LeakyRelu


def cases() -> list[Case]:
    source, output = parameters(0.08, -10), parameters(0.05, -60)
    found = [table_case(name, LeakyRelu(0.2), a, b) for name, a, b in RESCALINGS]
    for slope in (0.0, 0.01, 0.3, 1.0, 1.7, -0.5):
        found.append(table_case(f"slope {slope}", LeakyRelu(slope), source, output))
    for limit in (0.0, 2.5, 6.0, 20.0):
        found.append(table_case(f"at most {limit}", LeakyRelu(0.1, limit), source, output))
    return found
