"""Mirrored padding of every axis, up to the longest that can be mirrored."""

from __future__ import annotations

from conformance import Case
from movers import mover_case

from tinycomp.ops.mirror_pad import MirrorPad


def cases() -> list[Case]:
    paddings = [((1, 2), (0, 3), (0, 0)), ((2, 0), (1, 1), (4, 2)), ((0, 0), (3, 0), (0, 1))]
    both = (False, True)
    return [
        mover_case((3, 4, 5), [MirrorPad(each, twice) for each in paddings for twice in both]),
        mover_case((7,), [MirrorPad(((6, 5),)), MirrorPad(((7, 1),), True)]),
        mover_case((1, 6), [MirrorPad(((1, 1), (0, 2)), True), MirrorPad(((0, 0), (5, 5)))]),
    ]
