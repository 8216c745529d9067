"""ABS: a table; rounds twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, rescale, saturate
from tinycomp.ops._unary import UnaryOperator


@dataclass(frozen=True)
class Absolute(UnaryOperator):
    """|x|."""

    name: ClassVar[str] = "absolute"
    tflite_names: ClassVar[tuple[str, ...]] = ("ABS",)

    def table(self, operands: Operands) -> Table:
        """The input's distance from its zero point, rescaled."""
        source, target = parameters(operands.inputs[0]), parameters(operands.output)
        distance = np.abs(every_input(operands))
        if source.scale != target.scale:
            distance = rescale(distance, source.scale / target.scale, operands)
        return saturate(distance + target.zero_point)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """ABS."""
        return TfliteOperator("ABS", "AbsOptions", schema.AbsOptionsT())
