"""Roots and inverse roots of nonnegative values; LiteRT rejects others."""

from __future__ import annotations

from conformance import Case, parameters
from tables import Functions, table_case

from tinycomp.ops.root import Root


def cases() -> list[Case]:
    functions: Functions = {
        f"{'1 / ' if inverse else ''}root, output scale {scale}": (
            Root(inverse), parameters(scale, zero_point)
        )
        for scale, zero_point in ((0.001, 3), (0.02, 10), (0.05, -100), (0.3, -128), (0.2, 30))
        for inverse in (False, True)
    }  # fmt: skip
    return [
        table_case(f"scale {scale}", parameters(scale, -128), functions)
        for scale in (0.0003, 0.02, 1.0, 0.37, 50.0)
    ]
