"""Rows of tensors for kernels: the first axis is rows, the others are within each row."""

from __future__ import annotations

import math

from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Operands, Shape, Tensor


def rows(shape: Shape) -> tuple[int, int]:
    """Number of rows, and elements per row. A tensor of one axis is one row."""
    if len(shape) <= 1:
        return 1, math.prod(shape)
    return shape[0], math.prod(shape[1:])


def byte_rows(tensor: Tensor) -> tuple[int, int]:
    """Number of rows of a tensor, and bytes per row."""
    height, length = rows(tensor.shape)
    return height, length * tensor.itemsize


def same_rows(
    op: Operator, operands: Operands, index: int, first: int, last: int
) -> tuple[int, int]:
    """Operator.rows_needed for operators computed row by row: the same rows of an input with the
    output's height, all rows of any other input.
    """
    height = rows(operands.inputs[index].shape)[0]
    return (first, last) if height == rows(operands.output.shape)[0] else (0, height)
