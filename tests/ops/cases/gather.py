"""Cells of each axis: permuted, repeated, reversed, a single one."""

from __future__ import annotations

from conformance import Case
from movers import mover_case

from tinycomp.ops.gather import Gather


def cases() -> list[Case]:
    picks = [(0,), (2, 0, 1), (1, 1, 1), (2, 1, 0), (0, 2, 0, 2), (0, 1, 2)]
    return [
        mover_case((3, 4, 5), [Gather(each, axis) for each in picks for axis in range(3)]),
        mover_case((11,), [Gather((10, 0, 0, 5, 4, 3), 0)]),
        mover_case((4, 6), [Gather((3, 1), 0), Gather((5, 0, 2), 1)]),
    ]
