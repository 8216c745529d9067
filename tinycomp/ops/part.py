"""One of several inputs, in the row of bytes that a library takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._pieces import PiecesOperator


@dataclass(frozen=True)
class Part(PiecesOperator):
    """A piece of its input's values as a tensor."""

    name: ClassVar[str] = "part"

    offset: int
    """Of its first value in the input."""
    shape: tuple[int, ...]
    """The output's."""

    @property
    def view_offset(self) -> int:
        """The output is the input's memory from there on."""
        return self.offset

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The attribute."""
        return self.shape

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The same values."""
        flat = inputs[0].reshape(len(inputs[0]), -1)
        piece: Array = flat[:, self.offset : self.offset + math.prod(self.shape)]
        return piece.reshape(len(piece), *self.shape)

    def kernel(self, operands: Operands) -> None:
        """None: the output is a piece of the input's memory."""
        return
