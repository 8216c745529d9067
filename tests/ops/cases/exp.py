"""Exponentials: from nearly 1 to values beyond int32."""

from __future__ import annotations

from conformance import Case, parameters
from tables import Functions, table_case

from tinycomp.ops.exp import Exp


def cases() -> list[Case]:
    functions: Functions = {
        f"output scale {scale}": (Exp(), parameters(scale, zero_point))
        for scale, zero_point in ((1e-6, 3), (40.0, 127), (1.0, 0), (0.05, -100), (0.004, -128))
    }
    return [
        table_case(f"scale {scale}", parameters(scale, zero_point), functions)
        for scale, zero_point in ((0.001, 0), (0.02, -128), (0.05, 127), (0.3, 4), (9.0, 0))
    ]
