"""LOGISTIC: a table of the float32 function, like in LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinycomp.ir.operator import OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters
from tinycomp.ops._table import Table, table_of_real
from tinycomp.ops._tflite import version
from tinycomp.ops._unary import UnaryOperator


@dataclass(frozen=True)
class Logistic(UnaryOperator):
    """The sigmoid; output scale 1/256, zero point -128."""

    name: ClassVar[str] = "logistic"
    tflite_names: ClassVar[tuple[str, ...]] = ("LOGISTIC",)

    def output_range(self, operands: Operands) -> OutputRange:
        """Fixed: 0 to 255/256."""
        return OutputRange(fixed=QuantizationParameters((1 / 256,), (-128,)))

    def table(self, operands: Operands) -> Table:
        """From float32."""
        return table_of_real(_sigmoid, operands)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        return ops.sigmoid(inputs[0])

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """LOGISTIC; version 2 has int8."""
        return TfliteOperator("LOGISTIC", version=version(operands, 2))


def _sigmoid(x: Array) -> Array:
    """float32 steps; NumPy's own float32 exp is a few units less exact than the C library's."""
    with np.errstate(over="ignore"):
        exponential = np.exp(-x.astype(np.float64)).astype(np.float32)
    return np.float32(1) / (np.float32(1) + exponential)
