"""A tensor as kernels see it: the first axis counts rows, the others lie in each."""

from __future__ import annotations

import math

from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Operands, Shape


def rows(shape: Shape) -> tuple[int, int]:
    """How many rows, and the bytes of each. A tensor of one axis is one row."""
    if len(shape) <= 1:
        return 1, math.prod(shape)
    return shape[0], math.prod(shape[1:])


def same_rows(
    op: Operator, operands: Operands, index: int, first: int, last: int
) -> tuple[int, int]:
    """Operator.rows_needed of what is computed row by row: an input of the output's height gives
    the same rows, one that is broadcast or has other rows all of its own.
    """
    height = rows(operands.inputs[index].shape)[0]
    return (first, last) if height == rows(operands.output.shape)[0] else (0, height)
