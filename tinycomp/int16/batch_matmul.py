"""BATCH_MATMUL on int16: 64-bit sums, rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.int16._form import Form, saturate
from tinycomp.ir.fixed_point import (
    Multiplier,
    quantize_multiplier,
    reduced_multiplier,
    requantize_wide,
)
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._quantized import parameters

_STEPS_BITS = 31
"""Of sums in steps of the output, which LiteRT has as int32."""
_PRODUCT_BITS = 30
_LONGEST = 1 << 17
"""Products of a sum: together they are below 2^47."""


@dataclass(frozen=True)
class BatchMatmulInt16(Form):
    """A product of the matrices in the last two axes of two tensors."""

    operators: ClassVar[tuple[str, ...]] = ("batch_matmul",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Exact sums, rescaled."""
        first, second = (values.astype(np.int64) for values in inputs)
        if self.op.transpose_first:
            first = first.swapaxes(-1, -2)
        if self.op.transpose_second:
            second = second.swapaxes(-1, -2)
        return saturate(requantize_wide(first @ second, *self._factor(operands)))

    def kernel(self, operands: Operands) -> KernelCall:
        """Like that on int8, without zero points; distances are in values."""
        factor = self._factor(operands)
        scaling = {"shift": factor.shift, "multiplier": factor.multiplier}
        return KernelCall("batch_matmul_int16", {**self.op.walk(operands), **scaling})

    def _factor(self, operands: Operands) -> Multiplier:
        """Scale * scale / output scale, its multiplier reduced to 15 bits.

        Raises:
            ModelError: sums could leave the bits of LiteRT's arithmetic.
        """
        first, second = (parameters(value).scale for value in operands.inputs)
        depth = self.op.depth(operands)
        real = first * second / parameters(operands.output).scale
        if depth >= _LONGEST or depth * real >= 2.0 ** (_STEPS_BITS - _PRODUCT_BITS):
            raise ModelError(
                f"The sums of {operands.output.name!r}, of {depth} products, can reach "
                f"{depth * real * 2.0**_PRODUCT_BITS:.3g} steps of the output.",
                expected=f"Expected fewer than 2^{_STEPS_BITS} steps, and {_LONGEST} products.",
                hint="Calibrate with data that makes this layer's output other than zero.",
            )
        known = quantize_multiplier(real)
        return Multiplier(reduced_multiplier(known.multiplier), known.shift)
