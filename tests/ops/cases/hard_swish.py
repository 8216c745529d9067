"""Hard swishes: both directions of the 16-bit factor's shift, output scales from fine to coarse."""

from __future__ import annotations

from conformance import Case, parameters
from tables import table_case

from tinycomp.ops.hard_swish import HardSwish


def cases() -> list[Case]:
    found = []
    for scale in (1e-5, 0.004, 0.01, 0.05, 0.3, 4.0):
        for ratio, zero in ((0.01, 120), (0.3, -128), (0.75, -90), (1.0, 0), (7.0, 3)):
            source, output = parameters(scale, zero // 2), parameters(scale * ratio, zero)
            found.append(table_case(f"scale {scale} times {ratio}", HardSwish(), source, output))
    return found
