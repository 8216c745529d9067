"""EXP: a table of the float32 function, like in LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._function import gather
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, table_of_real
from tinycomp.ops._unary import UnaryOperator

_LARGEST = 2.0**30
"""Steps of the output that LiteRT still rounds to an int32; beyond 2^31 its result is undefined."""


@dataclass(frozen=True)
class Exp(UnaryOperator):
    """e^x."""

    name: ClassVar[str] = "exp"
    tflite_names: ClassVar[tuple[str, ...]] = ("EXP",)

    def table(self, operands: Operands) -> Table:
        """From float32."""
        with np.errstate(over="ignore"):
            return table_of_real(_exp, operands)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        return ops.exp(inputs[0])

    def to_tflite(self, operands: Operands) -> TfliteOperator | tuple[TfliteOperator, ...]:
        """EXP, or a table in the file if LiteRT's would overflow."""
        if operands.output.dtype == "int8":
            source, target = parameters(operands.inputs[0]), parameters(operands.output)
            with np.errstate(over="ignore"):
                largest = np.exp(source.scale * every_input(operands).max()) / target.scale
            if largest > _LARGEST:
                return gather(self.table(operands))
        return TfliteOperator("EXP", "ExpOptions", schema.ExpOptionsT())


def _exp(x: Array) -> Array:
    """The nearest float32, which NumPy's own float32 exp misses by a few units."""
    with np.errstate(over="ignore"):
        return np.exp(x.astype(np.float64)).astype(np.float32)
