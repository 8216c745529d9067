"""Reshapes between one, two and three axes."""

from __future__ import annotations

from conformance import Case, parameters, unary_case

from tinycomp.ops.reshape import Reshape


def cases() -> list[Case]:
    tied = parameters(0.05, 9)
    shapes = (((4, 3, 2), (24,)), ((24,), (2, 3, 4)), ((4, 6), (4, 1, 6)), ((2, 2, 2), (2, 2, 2)))
    return [unary_case(f"{a} to {b}", Reshape(b), a, tied, tied) for a, b in shapes]
