"""Reductions over all positions of a tensor, which leave one value a channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.tensor import Operands, Shape


def reduced_shape(what: str, inputs: Sequence[Shape], keep_dims: bool) -> Shape:
    """(channels,), or 1 on each axis but the last.

    Raises:
        ModelError: the input is not (height, width, channels) or (length, channels), or is empty.
    """
    (shape,) = inputs
    if len(shape) not in (2, 3) or math.prod(shape) == 0:
        raise ModelError(
            f"{what} over positions got an input of shape {shape}.",
            expected="Expected (height, width, channels) or (length, channels).",
        )
    return (*(1 for _ in shape[:-1]), shape[-1]) if keep_dims else shape[-1:]


def positions(operands: Operands) -> tuple[int, int, int]:
    """Rows, positions a row and channels of the input."""
    height, *width, channels = operands.activations[0].shape
    return height, math.prod(width), channels


def position_axes(operands: Operands) -> NDArray[np.int32]:
    """The axes of positions as TFLite counts them, the batch axis included."""
    return np.arange(1, len(operands.activations[0].shape), dtype=np.int32)


def read_keep_dims(name: str, options: Any, operands: Operands) -> bool:
    """Whether TFLite's reduction keeps the axes that it reduces.

    Raises:
        ModelError: its axes are not all positions, or not constant.
    """
    rank = len(operands.activations[0].shape) + 1
    axes = [int(axis) for constant in operands.constants for axis in constant.values.ravel()]
    if sorted({axis % rank for axis in axes}) != list(range(1, rank - 1)):
        raise ModelError(
            f"{name} {operands.output.name!r} reduces the axes {axes or 'given by a tensor'}.",
            expected="Expected all axes but the first (batch) and the last (channels).",
            hint="Use a global pooling layer.",
        )
    return bool(options is not None and options.keepDims)
