"""SQRT and RSQRT as tables. LiteRT aborts at negative values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinycomp.ir.fixed_point import inverse_square_root, quantize_multiplier, requantize
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, saturate
from tinycomp.ops._unary import UnaryOperator

_LEAST = 1e-12
"""The least value that training takes a root of."""
_BITS = 20
"""Extra bits of the inverse root, an integer between two rescalings."""


@dataclass(frozen=True)
class Root(UnaryOperator):
    """The square root or its inverse; negative values give the result for zero."""

    name: ClassVar[str] = "root"
    tflite_names: ClassVar[tuple[str, ...]] = ("RSQRT", "SQRT")

    inverse: bool = False
    """Compute the inverse root (RSQRT)."""

    def table(self, operands: Operands) -> Table:
        """The truncated float32 root; the inverse root in integers, with 127 for zero."""
        x = np.maximum(every_input(operands), 0)
        return self._inverse(x, operands) if self.inverse else _root(x, operands)

    def _inverse(self, x: Array, operands: Operands) -> Table:
        source, target = parameters(operands.inputs[0]), parameters(operands.output)
        scale = float(np.sqrt(np.float32(source.scale)) * np.float32(target.scale))
        multiplier, shift = quantize_multiplier(1.0 / scale)
        found = np.full(len(x), 127, np.int64)
        for place in np.flatnonzero(x):
            root = inverse_square_root(int(x[place]))
            data = requantize(np.ones(1, np.int64), root.multiplier, root.shift + _BITS)
            scaled = requantize(data, multiplier, shift - _BITS)
            found[place] = int(scaled[0]) + target.zero_point
        return saturate(found)

    def may_abort(self, operands: Operands) -> bool:
        """Whether the input can be negative."""
        return parameters(operands.inputs[0]).zero_point > -128

    def aborts(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Whether a sample has a negative value."""
        low = parameters(operands.inputs[0]).zero_point
        return np.asarray((inputs[0].reshape(len(inputs[0]), -1) < low).any(axis=1))

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined, of values that are not so small that gradients overflow."""
        from keras import ops

        return (ops.rsqrt if self.inverse else ops.sqrt)(ops.maximum(inputs[0], _LEAST))

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Root:
        """The operator of the builtin."""
        return cls(name == "RSQRT")

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """RSQRT or SQRT; version 2 has int8."""
        number = 2 if operands.output.dtype == "int8" else 1
        return TfliteOperator("RSQRT" if self.inverse else "SQRT", version=number)


def _root(x: Array, operands: Operands) -> Table:
    source, target = parameters(operands.inputs[0]), parameters(operands.output)
    roots = np.sqrt(np.float32(source.scale) * x.astype(np.float32))
    return saturate(np.trunc(roots / np.float32(target.scale)) + target.zero_point)
