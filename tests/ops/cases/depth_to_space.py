"""Blocks of several sizes, in both directions."""

from __future__ import annotations

from conformance import Case
from movers import mover_case

from tinycomp.ops.depth_to_space import DepthToSpace


def cases() -> list[Case]:
    return [
        mover_case((6, 4, 8), [DepthToSpace(2), DepthToSpace(2, True), DepthToSpace(1)]),
        mover_case((3, 9, 9), [DepthToSpace(3), DepthToSpace(3, True)]),
        mover_case((1, 5, 4), [DepthToSpace(2)]),
        mover_case((4, 4, 1), [DepthToSpace(4, True), DepthToSpace(2, True)]),
    ]
