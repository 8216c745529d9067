"""ABS: a table; rounds twice, unless the scales are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, rescale, saturate
from tinycomp.ops._unary import UnaryOperator


@dataclass(frozen=True)
class Absolute(UnaryOperator):
    """The absolute value."""

    name: ClassVar[str] = "absolute"
    tflite_names: ClassVar[tuple[str, ...]] = ("ABS",)

    def table(self, operands: Operands) -> Table:
        """Absolute values, rescaled by a factor computed in float32."""
        source, target = parameters(operands.inputs[0]), parameters(operands.output)
        values = np.abs(every_input(operands))
        if source.scale != target.scale:
            factor = float(np.float32(source.scale) / np.float32(target.scale))
            values = rescale(values, factor, operands)
        return saturate(values + target.zero_point)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        return ops.abs(inputs[0])

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """ABS; version 2 has int8."""
        number = 2 if operands.output.dtype == "int8" else 1
        return TfliteOperator("ABS", "AbsOptions", schema.AbsOptionsT(), version=number)
