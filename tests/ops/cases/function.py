"""Every activation function without a TFLite builtin, with fine and coarse scales."""

from __future__ import annotations

from conformance import Case, parameters
from tables import Functions, table_case

from tinycomp.ops.function import DEFINITIONS, Function

OUTPUTS = {
    "saturating": parameters(1e-5, 5),
    "a single step": parameters(20.0, 5),
    "half steps": parameters(0.1, 0),
    "fine": parameters(0.01, -100),
}
SOURCES = (parameters(0.01, -128), parameters(0.05, 3), parameters(0.25, 127), parameters(9.0))


def cases() -> list[Case]:
    found = []
    for source in SOURCES:
        functions: Functions = {
            f"{kind}, {name}": (Function(kind), output)
            for kind in DEFINITIONS
            for name, output in OUTPUTS.items()
        }
        found.append(table_case(f"{source.scale:g}, {source.zero_point}", source, functions))
    return found
