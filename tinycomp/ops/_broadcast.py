"""Broadcasting of two inputs. Kernels repeat an input that has only the other's last axes, or one
value; everything else is repeated by an operator before them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Constant, Operands, Shape, Tensor
from tinycomp.ops._registry import operators
from tinycomp.ops._rows import rows


def broadcast_shape(name: str, inputs: Sequence[Shape]) -> Shape:
    """The shape of the larger input.

    Raises:
        ModelError: there are not two, or the smaller one does not have the larger one's last axes.
    """
    if len(inputs) == 2:
        wide, narrow = inputs[wide_input(inputs)], core(inputs[1 - wide_input(inputs)])
        if len(narrow) <= len(wide) and narrow == wide[len(wide) - len(narrow) :]:
            return wide
    raise ModelError(
        f"{name} got inputs of shapes {list(inputs)}.",
        expected="Expected two of one shape, or one with the other's channels, or one value.",
        hint="Repeat the smaller input first.",
    )


def spread(name: str, inputs: Sequence[Shape]) -> list[Shape | None]:
    """For each of two inputs the shape that it has to be repeated to, None if kernels can read it
    as it is.

    Raises:
        ModelError: they have no common shape.
    """
    try:
        output = np.broadcast_shapes(*inputs)
    except ValueError:
        raise ModelError(
            f"{name} got inputs of shapes {list(inputs)}.",
            expected="Expected lengths that are equal or 1 on each axis, counted from the last.",
        ) from None
    wide = wide_input(inputs)
    narrow = core(inputs[1 - wide])
    repeated: list[Shape | None] = [None, None]
    if core(inputs[wide]) != core(output):
        repeated[wide] = output
    if narrow != output[len(output) - len(narrow) :]:
        repeated[1 - wide] = output
    return repeated


def repetition(source: Shape, target: Shape) -> list[Operator]:
    """The operators that repeat a tensor up to a shape that it broadcasts to."""
    known: dict[str, Any] = operators()
    whole = aligned(source, len(target))
    found: list[Operator] = [known["reshape"](whole)] if whole != source else []
    times = tuple(size // own for size, own in zip(target, whole, strict=True))
    return [*found, known["tile"](times)]


def period_fields(constant: Constant, output: Tensor) -> dict[str, int]:
    """The members that say how a kernel repeats a constant over the rows of its output."""
    size = rows(output.shape)[1]
    same = constant.values.size == output.size
    return {
        "size": size,
        "period": size if same else constant.values.size,
        "advance": size if same else 0,
    }


def wide_input(shapes: Sequence[Shape]) -> int:
    """Index of the input with the output's shape."""
    first, second = ((math.prod(shape), len(shape)) for shape in shapes)
    return 1 if second > first else 0


def core(shape: Shape) -> Shape:
    """The shape without leading 1s."""
    while shape[:1] == (1,):
        shape = shape[1:]
    return shape


def aligned(shape: Shape, rank: int) -> Shape:
    """The shape with leading 1s, so that NumPy broadcasts it."""
    inner = core(shape)
    return (*(1,) * (rank - len(inner)), *inner)


def repeat_fields(operands: Operands) -> dict[str, int]:
    """The kernels' fields for the two inputs.

    wide: index of the one with the output's shape; rows: of the other (1: the same for all);
    size: bytes of an output row; period: bytes after which the other repeats.
    """
    first, second = operands.activations
    wide = wide_input((first.shape, second.shape))
    other = second if wide == 0 else first
    height, size = rows(operands.output.shape)
    same = other.size == operands.output.size
    return {
        "wide": wide,
        "rows": height if same else 1,
        "size": size,
        "period": size if same else other.size,
    }
