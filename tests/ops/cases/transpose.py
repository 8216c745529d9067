"""Every permutation of two, three and four axes, also with short axes."""

from __future__ import annotations

from itertools import permutations

from conformance import Case
from movers import mover_case

from tinycomp.ops.transpose import Transpose


def cases() -> list[Case]:
    shapes = [(4, 3, 5), (7, 2), (1, 6, 2), (5, 1, 3), (6,), (2, 3, 2, 4)]
    return [
        mover_case(shape, [Transpose(order) for order in permutations(range(len(shape)))])
        for shape in shapes
    ]
