"""LOG: a table of the float32 function, like in LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, table_of_real
from tinycomp.ops._unary import UnaryOperator

_LEAST = 1e-12
"""The least value that training takes a logarithm of."""


@dataclass(frozen=True)
class Logarithm(UnaryOperator):
    """The natural logarithm; the smallest output for values without one."""

    name: ClassVar[str] = "logarithm"
    tflite_names: ClassVar[tuple[str, ...]] = ("LOG",)

    def table(self, operands: Operands) -> Table:
        """The float32 function, rounded."""
        target = parameters(operands.output)
        least = np.float32(-128 - target.zero_point) * np.float32(target.scale)

        def log(x: Array) -> Array:
            # The nearest float32, which NumPy's own float32 function misses by a few units.
            found = np.log(np.maximum(x.astype(np.float64), 1e-300)).astype(np.float32)
            return np.where(x > 0, found, least)

        return table_of_real(log, operands)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined, of values that are not so small that gradients overflow."""
        from keras import ops

        return ops.log(ops.maximum(inputs[0], _LEAST))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """LOG; version 2 has int8."""
        return TfliteOperator("LOG", version=2 if operands.output.dtype == "int8" else 1)
