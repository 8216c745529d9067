"""Hard swish: both shift directions of the 16-bit multiplier, fine to coarse output scales."""

from __future__ import annotations

from conformance import Case, parameters
from tables import Functions, table_case

from tinycomp.ops.hard_swish import HardSwish


def cases() -> list[Case]:
    found = []
    for scale, zero_point in ((1e-5, 60), (0.01, -128), (0.05, -3), (4.0, 127)):
        functions: Functions = {
            f"times {ratio}": (HardSwish(), parameters(scale * ratio, output))
            for ratio, output in ((0.01, 120), (0.3, -128), (0.75, -90), (1.0, 0), (7.0, 3))
        }
        found.append(table_case(f"scale {scale}", parameters(scale, zero_point), functions))
    return found
