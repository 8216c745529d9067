"""LOGISTIC: a table of the float32 function, as LiteRT fills it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Shape
from tinycomp.ops._rows import same_rows
from tinycomp.ops._table import Table, look_up, table_kernel, table_of_real, unary_shape
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class Logistic(Operator):
    """The sigmoid; output scale 1/256, zero point -128."""

    name: ClassVar[str] = "logistic"
    tflite_names: ClassVar[tuple[str, ...]] = ("LOGISTIC",)
    keras_names: ClassVar[tuple[str, ...]] = ()

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's."""
        return unary_shape(inputs)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows."""
        return same_rows(self, operands, index, first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """Fixed: 0 to 255/256."""
        return OutputRange(fixed=QuantizationParameters((1 / 256,), (-128,)))

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """A table lookup."""
        return look_up(_table(operands), inputs[0])

    def kernel(self, operands: Operands) -> KernelCall:
        """A table lookup."""
        return table_kernel(_table(operands), operands)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Logistic:
        """No options."""
        return cls()

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """LOGISTIC; version 2 has int8."""
        return TfliteOperator("LOGISTIC", version=version(operands, 2))


def _table(operands: Operands) -> Table:
    return table_of_real(_sigmoid, operands)


def _sigmoid(x: Array) -> Array:
    """float32 steps; NumPy's own float32 exp is a few units less exact than the C library's."""
    with np.errstate(over="ignore"):
        exponential = np.exp(-x.astype(np.float64)).astype(np.float32)
    return np.float32(1) / (np.float32(1) + exponential)
