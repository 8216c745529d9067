"""Larger and smaller images, integer and fractional ratios, all three alignment options."""

from __future__ import annotations

from conformance import Case
from movers import mover_case

from tinycomp.ops.resize_nearest_neighbor import ResizeNearestNeighbor

WAYS = ((False, False), (True, False), (False, True))


def cases() -> list[Case]:
    sizes = [(4, 5), (8, 10), (12, 5), (4, 15), (2, 3), (7, 9), (1, 1), (5, 13), (3, 4)]
    return [
        mover_case(
            (4, 5, 3), [ResizeNearestNeighbor(size, *way) for size in sizes for way in WAYS]
        ),
        mover_case((1, 6, 1), [ResizeNearestNeighbor((2, 17), *way) for way in WAYS]),
        mover_case((7, 1, 2), [ResizeNearestNeighbor((31, 2), *way) for way in WAYS]),
    ]
