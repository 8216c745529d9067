"""Elementwise operators of one tensor: a table of 256 bytes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from tinycomp.common.errors import ModelError
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._rows import rows, same_rows
from tinycomp.ops._table import Table


@dataclass(frozen=True)
class UnaryOperator(Operator):
    """An elementwise function of one tensor; firmware/kernels/table.h computes them all.

    A subclass implements `table` and `to_tflite`, and `from_tflite` if it has attributes.
    """

    @abstractmethod
    def table(self, operands: Operands) -> Table:
        """The output of each int8 input: entry q + 128 is for q.

        Raises:
            ModelError: LiteRT's arithmetic is not defined for these scales.
        """

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's.

        Raises:
            ModelError: there is not exactly one.
        """
        if len(inputs) != 1:
            raise ModelError(
                f"A function of one tensor got {len(inputs)} inputs.", expected="Expected 1."
            )
        return inputs[0]

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows."""
        return same_rows(self, operands, index, first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """Free, unless a subclass overrides it."""
        return OutputRange()

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """A table lookup."""
        entries: Array = self.table(operands)[inputs[0].astype(int) + 128]
        return entries

    def kernel(self, operands: Operands) -> KernelCall:
        """A table lookup, in place."""
        fields: dict[str, int | Array] = {
            "size": rows(operands.output.shape)[1],
            "table": self.table(operands),
        }
        return KernelCall("table", fields, in_place=True)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Self:
        """No options."""
        return cls()
