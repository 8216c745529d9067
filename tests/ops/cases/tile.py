"""Repetitions along one axis, several axes, and all axes."""

from __future__ import annotations

from conformance import Case
from movers import mover_case

from tinycomp.ops.tile import Tile


def cases() -> list[Case]:
    times = [(1, 1, 1), (2, 1, 1), (1, 3, 1), (1, 1, 4), (2, 3, 1), (3, 1, 2), (1, 2, 2), (2, 3, 4)]
    return [
        mover_case((3, 4, 2), [Tile(each) for each in times]),
        mover_case((1, 5), [Tile((6, 1)), Tile((1, 2)), Tile((2, 2))]),
        mover_case((9,), [Tile((3,))]),
        mover_case((4, 1, 1), [Tile((1, 5, 1)), Tile((1, 1, 5)), Tile((1, 2, 3))]),
    ]
