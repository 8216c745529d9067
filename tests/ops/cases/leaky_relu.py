"""Leaky ReLU: all kinds of slopes, with and without an upper bound."""

from __future__ import annotations

from conformance import Case, parameters
from tables import RESCALED, SOURCES, Functions, table_case

from tinycomp.ops.leaky_relu import LeakyRelu

OUTPUT = parameters(0.05, -60)


def cases() -> list[Case]:
    plain: Functions = {name: (LeakyRelu(0.2), output) for name, output in RESCALED.items()}
    slopes: Functions = {
        f"slope {slope}": (LeakyRelu(slope), OUTPUT) for slope in (0.0, 0.01, 0.3, 1.0, 1.7, -0.5)
    }
    bounded: Functions = {
        f"at most {limit}": (LeakyRelu(0.1, limit), OUTPUT) for limit in (0.0, 2.5, 6.0, 20.0)
    }
    found = [table_case(f"zero point {s.zero_point}", s, plain) for s in SOURCES]
    source = parameters(0.08, -10)
    return [*found, table_case("slopes", source, slopes), table_case("bounds", source, bounded)]
