"""ReLU without and with an upper bound, which some outputs can exceed."""

from __future__ import annotations

from conformance import Case, parameters
from tables import RESCALED, SOURCES, Functions, table_case

from tinycomp.ops.relu import Relu

WIDE, NARROW = parameters(0.05, -128), parameters(0.01, -128)


def cases() -> list[Case]:
    unbounded: Functions = {name: (Relu(), output) for name, output in RESCALED.items()}
    bounded: Functions = {
        f"at most {limit}, {kind}": (Relu(limit), output)
        for limit in (0.0, 1.0, 2.5, 6.0, 20.0)
        for kind, output in (("wide", WIDE), ("narrow", NARROW))
    }
    found = [table_case(f"zero point {s.zero_point}", s, unbounded) for s in SOURCES]
    return [*found, table_case("bounds", parameters(0.08, -10), bounded)]
