"""Operators that compute each element from the ones at the same place of two tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import Cost, KerasLayer, Operator
from tinycomp.ir.tensor import Operands, Shape
from tinycomp.ops._broadcast import broadcast_shape
from tinycomp.ops._keras import merge
from tinycomp.ops._rows import same_rows


@dataclass(frozen=True)
class BinaryOperator(Operator):
    """A function of two tensors, element by element. One may have only the other's last axes, or
    one value.

    A subclass says `output_range`, `reference`, `kernel` and how TFLite writes it.
    """

    phrase: ClassVar[str]
    """How errors call it, "A sum"."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The shape of the larger input."""
        return broadcast_shape(self.phrase, inputs)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows."""
        return same_rows(self, operands, index, first, last)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost(parameters=sum(constant.values.size for constant in operands.constants))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Two inputs or more, which make a chain."""
        return merge(cls(), layer, inputs, builder)
