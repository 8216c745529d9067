"""Paddings: one to three axes, one side or both, channels, zero points at the ends of the range."""

from __future__ import annotations

from conformance import Case, parameters, unary_case

from tinycomp.ops.pad import Pad


def cases() -> list[Case]:
    paddings = [
        ((3, 4, 2), ((0, 0), (0, 0), (0, 0))),
        ((3, 4, 2), ((1, 1), (1, 1), (0, 0))),
        ((3, 4, 2), ((0, 1), (0, 1), (0, 0))),
        ((3, 4, 2), ((2, 0), (0, 0), (0, 0))),
        ((3, 4, 2), ((0, 0), (3, 0), (0, 0))),
        ((3, 4, 2), ((0, 0), (0, 0), (1, 2))),
        ((3, 4, 2), ((1, 2), (3, 4), (5, 6))),
        ((1, 1, 1), ((0, 3), (2, 0), (0, 1))),
        ((5, 3), ((2, 1), (0, 0))),
        ((5, 3), ((0, 2), (1, 4))),
        ((7,), ((2, 3),)),
    ]
    return [
        unary_case(f"{shape} by {padding}, zero point {zero}", Pad(padding), shape, tied, tied)
        for shape, padding in paddings
        for zero in (-128, 19)
        for tied in (parameters(0.05, zero),)
    ]
