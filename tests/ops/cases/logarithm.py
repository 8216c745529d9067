"""Logarithms: also of negative values, from fine to coarse steps."""

from __future__ import annotations

from conformance import Case, parameters
from tables import Functions, table_case

from tinycomp.ops.logarithm import Logarithm


def cases() -> list[Case]:
    functions: Functions = {
        f"output scale {scale}": (Logarithm(), parameters(scale, zero_point))
        for scale, zero_point in ((0.001, 3), (0.02, 60), (0.05, -100), (0.3, 0), (0.1, 90))
    }
    return [
        table_case(f"scale {scale}", parameters(scale, zero_point), functions)
        for scale, zero_point in ((0.0001, -128), (0.02, -128), (0.05, 0), (0.3, 100), (1.0, -128))
    ]
