"""HARD_SWISH: a table of LiteRT's 16-bit fixed-point arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import quantize_multiplier, rounding_shift_right
from tinycomp.ir.operator import OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, saturate
from tinycomp.ops._unary import UnaryOperator

_MOST_SHIFT = 15
"""Beyond it LiteRT's shift of 16-bit numbers is undefined."""


@dataclass(frozen=True)
class HardSwish(UnaryOperator):
    """x * relu6(x + 3) / 6."""

    name: ClassVar[str] = "hard_swish"
    tflite_names: ClassVar[tuple[str, ...]] = ("HARD_SWISH",)

    def output_range(self, operands: Operands) -> OutputRange:
        """Free, within LiteRT's limits (see table)."""
        return OutputRange(least=1 / 127)

    def table(self, operands: Operands) -> Table:
        """The input with 7 extra bits times a factor in [0, 1], in saturating int16 like LiteRT."""
        source, target = parameters(operands.inputs[0]), parameters(operands.output)
        fine = np.float32(source.scale) * np.float32(1 / 128)
        output, output_shift = _multiplier(fine / np.float32(target.scale))
        if not -_MOST_SHIFT <= output_shift <= 0:
            raise ModelError(
                f"The hard swish {operands.output.name!r} has the output scale {target.scale:g} "
                f"for the input scale {source.scale:g}.",
                expected="Expected 1/128 to 256 times the input scale.",
                hint="Calibrate with data that makes this layer's output other than zero.",
            )
        slope, slope_shift = _multiplier(fine / np.float32(3 / 32768))
        x = every_input(operands) << 7
        factor = _saturate16(x << max(slope_shift - 1, 0))
        factor = _high_multiply(factor, slope)
        if slope_shift > 0:
            factor = _saturate16(factor << 1)
        factor = rounding_shift_right(factor, max(-slope_shift, 0))
        factor = (factor + (1 << 15)) >> 1
        product = factor * _high_multiply(x, output)
        product = np.sign(product) * (np.abs(product) >> 15)
        return saturate(rounding_shift_right(product, -output_shift) + target.zero_point)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        return inputs[0] * ops.relu6(inputs[0] + 3.0) / 6.0

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """HARD_SWISH."""
        return TfliteOperator("HARD_SWISH", "HardSwishOptions", schema.HardSwishOptionsT())


def _multiplier(real: np.float32) -> tuple[int, int]:
    """A 16-bit multiplier in [2^14, 2^15) and its shift."""
    multiplier, shift = quantize_multiplier(float(real))
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1), shift


def _high_multiply(a: Array, b: int) -> Array:
    """The rounding doubling high multiply of 16-bit numbers."""
    return (a * b + (1 << 14)) >> 15


def _saturate16(x: Array) -> Array:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)
