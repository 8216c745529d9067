"""One of several inputs, in the row of bytes that a library takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from tinycomp.ir.operator import Cost, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._rows import rows


@dataclass(frozen=True)
class Part(Operator):
    """A piece of its input's values as a tensor. Only int8 graphs that are emitted have parts: a
    .tflite takes the tensors themselves.
    """

    name: ClassVar[str] = "part"
    emitted_only: ClassVar[bool] = True
    moves: ClassVar[bool] = True

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

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """All rows."""
        return 0, rows(operands.inputs[index].shape)[0]

    def output_range(self, operands: Operands) -> OutputRange:
        """There is none: each part has its own."""
        return OutputRange()

    def cost(self, operands: Operands) -> Cost:
        """Nothing."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The same values."""
        flat = inputs[0].reshape(len(inputs[0]), -1)
        piece: Array = flat[:, self.offset : self.offset + math.prod(self.shape)]
        return piece.reshape(len(piece), *self.shape)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> NoReturn:
        """There is none: float graphs have several inputs."""
        raise NotImplementedError("only int8 graphs have parts")

    def kernel(self, operands: Operands) -> None:
        """None: the output is a piece of the input's memory."""
        return

    def to_tflite(self, operands: Operands) -> NoReturn:
        """There is none: see the class."""
        raise NotImplementedError("a .tflite takes its inputs one by one")
