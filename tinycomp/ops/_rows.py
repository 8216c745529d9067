"""A tensor as kernels see it: the first axis counts rows, the others lie in each."""

from __future__ import annotations

import math

from tinycomp.ir import Shape


def rows(shape: Shape) -> tuple[int, int]:
    """How many rows, and the bytes of each. A tensor of one axis is one row."""
    if len(shape) <= 1:
        return 1, math.prod(shape)
    return shape[0], math.prod(shape[1:])
