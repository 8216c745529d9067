"""TANH: a table of the float32 function, like in LiteRT."""

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
class Tanh(UnaryOperator):
    """The hyperbolic tangent; output scale 1/128, zero point 0."""

    name: ClassVar[str] = "tanh"
    tflite_names: ClassVar[tuple[str, ...]] = ("TANH",)

    def output_range(self, operands: Operands) -> OutputRange:
        """Fixed: -1 to 127/128."""
        return OutputRange(fixed=QuantizationParameters((1 / 128,), (0,)))

    def table(self, operands: Operands) -> Table:
        """From float32."""
        return table_of_real(_tanh, operands)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        return ops.tanh(inputs[0])

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """TANH; version 2 has int8."""
        return TfliteOperator("TANH", version=version(operands, 2))


def _tanh(x: Array) -> Array:
    """The nearest float32, which NumPy's own float32 tanh misses by a few units."""
    return np.tanh(x.astype(np.float64)).astype(np.float32)
