"""Tensors of a model with several inputs or outputs, in the one row of bytes that C takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from tinycomp.ir.operator import Cost, Operator, OutputRange
from tinycomp.ir.tensor import Operands
from tinycomp.ops._rows import rows


class PiecesOperator(Operator):
    """Only int8 graphs that are emitted have one: a .tflite takes and returns the tensors
    themselves.
    """

    emitted_only: ClassVar[bool] = True
    moves: ClassVar[bool] = True

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """All rows."""
        return 0, rows(operands.inputs[index].shape)[0]

    def output_range(self, operands: Operands) -> OutputRange:
        """There is none: each tensor keeps its own."""
        return OutputRange()

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> NoReturn:
        """There is none: float graphs have several inputs and outputs."""
        raise NotImplementedError(f"only int8 graphs have a {self.name}")

    def to_tflite(self, operands: Operands) -> NoReturn:
        """There is none: see the class."""
        raise NotImplementedError(f"a .tflite has no {self.name}")
