"""Exponential linear units with all kinds of alpha."""

from __future__ import annotations

from conformance import Case, parameters
from tables import RESCALED, SOURCES, Functions, table_case

from tinycomp.ops.elu import Elu


def cases() -> list[Case]:
    plain: Functions = {name: (Elu(), output) for name, output in RESCALED.items()}
    alphas: Functions = {
        f"alpha {alpha}": (Elu(alpha), parameters(0.05, -60)) for alpha in (0.0, 0.3, 1.0, 2.5)
    }
    found = [table_case(f"zero point {s.zero_point}", s, plain) for s in SOURCES]
    return [*found, table_case("alphas", parameters(0.08, -10), alphas)]
