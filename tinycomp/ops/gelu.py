"""GELU: a table of the float32 function, like in LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._table import Table, table_of_real
from tinycomp.ops._unary import UnaryOperator


@dataclass(frozen=True)
class Gelu(UnaryOperator):
    """x times the normal distribution's probability of less than x (Hendrycks and Gimpel, 2016)."""

    name: ClassVar[str] = "gelu"
    tflite_names: ClassVar[tuple[str, ...]] = ("GELU",)

    approximate: bool = False
    """Whether it is approximated by a hyperbolic tangent."""

    def table(self, operands: Operands) -> Table:
        """From float32."""
        return table_of_real(_by_tanh if self.approximate else _by_erfc, operands)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined, or by a hyperbolic tangent."""
        from keras import ops

        return ops.gelu(inputs[0], approximate=self.approximate)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Gelu:
        """Which of the two forms."""
        return cls(bool(options is not None and options.approximate))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """GELU."""
        return TfliteOperator("GELU", "GeluOptions", schema.GeluOptionsT(self.approximate))


def _by_erfc(x: Array) -> Array:
    """float32 steps."""
    inner = (x * np.float32(-np.sqrt(0.5))).astype(np.float64)
    return np.float32(0.5) * x * np.array([erfc(value) for value in inner], np.float32)


def _by_tanh(x: Array) -> Array:
    """float32 steps."""
    cube = np.float32(0.044715) * x * x * x
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + cube)
    hyperbolic = np.tanh(inner.astype(np.float64)).astype(np.float32)
    return np.float32(0.5) * x * (np.float32(1) + hyperbolic)
