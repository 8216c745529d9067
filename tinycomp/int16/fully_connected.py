"""FULLY_CONNECTED on int16: sums times a factor in double precision, rounded once, like LiteRT."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tinycomp.int16._doubles import mantissas
from tinycomp.int16._form import Form, bounds, clamped
from tinycomp.int16._weighted import biases, exact_sums, words
from tinycomp.ir.fixed_point import scale_and_round
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._weighted import channel_scales, weights_and_bias
from tinycomp.ops.fully_connected import BLOCK


@dataclass(frozen=True)
class FullyConnectedInt16(Form):
    """A product with a matrix."""

    operators: ClassVar[tuple[str, ...]] = ("fully_connected",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """A matrix product."""
        (rows,) = inputs
        matrix = weights_and_bias(operands)[0].values
        sums = exact_sums(rows, matrix) + biases(operands, matrix)
        scaled = scale_and_round(sums, channel_scales(operands, len(matrix)))
        return clamped(scaled, self.op.activation, operands.output)

    def kernel(self, operands: Operands) -> KernelCall:
        """Blocks of output channels."""
        weights, _ = weights_and_bias(operands)
        low, high = bounds(self.op.activation, operands.output)
        start, above = words(biases(operands, weights.values))
        factors = mantissas(operands.output.name, channel_scales(operands, len(weights.values)))
        shape = operands.output.shape
        return KernelCall(
            "fully_connected_int16",
            {
                "width": math.prod(shape[1:-1]),
                "input_size": weights.shape[1],
                "output_size": weights.shape[0],
                "activation_min": low,
                "activation_max": high,
                "weights": Weights(weights.values, BLOCK, weights.codebook),
                "constants": Channels(start, factors.shift, factors.upper),
                "lower": factors.lower,
                "upper": above,
            },
        )
