"""RELU_N1_TO_1: a table; rounds twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._activation import quantize_bound
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, rescale, saturate
from tinycomp.ops._unary import UnaryOperator


@dataclass(frozen=True)
class Clipped(UnaryOperator):
    """x, at least -1 and at most 1."""

    name: ClassVar[str] = "clipped"
    tflite_names: ClassVar[tuple[str, ...]] = ("RELU_N1_TO_1",)

    def table(self, operands: Operands) -> Table:
        """Rescaled, then clamped to the bounds."""
        source, target = parameters(operands.inputs[0]), parameters(operands.output)
        factor = np.float32(source.scale) / np.float32(target.scale)
        x = rescale(every_input(operands), float(factor), operands) + target.zero_point
        return saturate(np.clip(x, quantize_bound(-1.0, target), quantize_bound(1.0, target)))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """RELU_N1_TO_1."""
        return TfliteOperator("RELU_N1_TO_1")
