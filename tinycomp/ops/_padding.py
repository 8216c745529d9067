"""Padding by one value. Input and output share one scale and zero point."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._rows import rows

_AXES = 3


@dataclass(frozen=True)
class Padding(Operator):
    """Cells before and after each axis (batch not counted). A subclass says of which value."""

    padding: tuple[tuple[int, int], ...]
    """Cells (before, after) for each axis."""

    @abstractmethod
    def value(self, operands: Operands) -> int:
        """The stored value of the padding."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """Each axis longer by its padding.

        Raises:
            ModelError: the padding has another number of axes or is negative.
        """
        (shape,) = inputs
        negative = any(before < 0 or after < 0 for before, after in self.padding)
        if not 1 <= len(shape) == len(self.padding) <= _AXES or negative:
            raise ModelError(
                f"The padding {self.padding} does not fit an input of shape {shape}.",
                expected=f"Expected a pair of cells, not negative, for each of 1 to {_AXES} axes.",
            )
        sizes = zip(shape, self.padding, strict=True)
        return tuple(before + size + after for size, (before, after) in sizes)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The input rows inside the padded ones."""
        height = rows(operands.inputs[0].shape)[0]
        top = self.padding[0][0] if len(self.padding) > 1 else 0
        return max(0, min(first - top, height - 1)), max(1, min(last - top, height))

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Copies."""
        (x,) = inputs
        require_tied(self.name, operands)
        return np.pad(x, ((0, 0), *self.padding), constant_values=self.value(operands))

    def kernel(self, operands: Operands) -> KernelCall:
        """If channels are not padded, a row's cells are copied at once."""
        require_tied(self.name, operands)
        (shape,) = (tensor.shape for tensor in operands.activations)
        # One axis is one row; two axes are rows of one position.
        shape = (1, *shape) if len(shape) == 1 else shape
        padding = ((0, 0), *self.padding) if len(self.padding) == 1 else self.padding
        (top, _), *sides, (before, after) = padding
        left, right = sides[0] if sides else (0, 0)
        cells, cell = math.prod(shape[1:-1]), shape[-1]
        padded = before + cell + after
        if before == after == 0:
            cells, cell = 1, cells * cell
        item = operands.output.itemsize
        fields = {
            "top": top,
            "height": shape[0],
            "left": left * padded * item,
            "right": right * padded * item,
            "cells": cells,
            "cell": cell * item,
            "before": before * item,
            "after": after * item,
            "zero_point": self.value(operands),
        }
        return KernelCall("pad", fields)


def amounts(name: str, operands: Operands) -> tuple[tuple[int, int], ...]:
    """The padding of an operator whose first constant it is, without that of the batch.

    Raises:
        ModelError: it is not constant, or pads the batch.
    """
    pairs = operands.constants[0].values.reshape(-1, 2) if operands.constants else ()
    found = [(int(before), int(after)) for before, after in pairs]
    if len(found) < 2 or found[0] != (0, 0):
        raise ModelError(
            f"{name} {operands.output.name!r} pads by {found or 'a tensor'}.",
            expected="Expected a constant that does not pad the first axis (batch).",
        )
    return tuple(found[1:])
