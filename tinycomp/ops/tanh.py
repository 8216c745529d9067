"""TANH: a table of the float32 function, as LiteRT fills it."""

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
class Tanh(Operator):
    """The hyperbolic tangent; output scale 1/128, zero point 0."""

    name: ClassVar[str] = "tanh"
    tflite_names: ClassVar[tuple[str, ...]] = ("TANH",)
    keras_names: ClassVar[tuple[str, ...]] = ()

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's."""
        return unary_shape(inputs)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows."""
        return same_rows(self, operands, index, first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """Fixed: -1 to 127/128."""
        return OutputRange(fixed=QuantizationParameters((1 / 128,), (0,)))

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
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Tanh:
        """No options."""
        return cls()

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """TANH; version 2 has int8."""
        return TfliteOperator("TANH", version=version(operands, 2))


def _table(operands: Operands) -> Table:
    return table_of_real(_tanh, operands)


def _tanh(x: Array) -> Array:
    """The nearest float32, which NumPy's own float32 tanh misses by a few units."""
    return np.tanh(x.astype(np.float64)).astype(np.float32)
