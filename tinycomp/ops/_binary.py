"""Elementwise operators of two tensors."""

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
    """An elementwise function of two tensors. One may be broadcast: it has only the other's last
    axes, or one value.

    A subclass implements `output_range`, `reference`, `kernel` and the conversion to TFLite.
    """

    phrase: ClassVar[str]
    """Name in error messages, "A sum"."""
    commutes: ClassVar[bool] = True
    """Whether the inputs may change places."""

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
        """Two or more inputs, as a chain."""
        return merge(cls(), layer, inputs, builder)
