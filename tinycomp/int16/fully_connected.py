"""FULLY_CONNECTED on int16: sums times a factor in double precision, rounded once, like LiteRT."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.int16._form import Form, bounds, clamped
from tinycomp.int16._weighted import biases, exact_sums, words
from tinycomp.ir.fixed_point import scale_and_round
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._weighted import channel_scales, weights_and_bias
from tinycomp.ops.fully_connected import BLOCK

_LOWER_BITS = 22
"""Of the 53 bits of a factor's mantissa, those that the kernel seldom needs."""
_LARGEST_SHIFT = 62


class Mantissas(NamedTuple):
    """The factors (upper + lower * 2^-22) * 2^-shift: double precision, as integers."""

    upper: NDArray[np.int32]
    """31 bits."""
    lower: NDArray[np.int32]
    """22 bits."""
    shift: NDArray[np.int8]
    """To the right."""


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
        factors = _mantissas(operands, len(weights.values))
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


def _mantissas(operands: Operands, channels: int) -> Mantissas:
    """The channels' factors.

    Raises:
        ModelError: a factor is so small that no sum could reach an output other than 0.
    """
    mantissas, exponents = np.frexp(channel_scales(operands, channels))
    whole = np.ldexp(mantissas, 53).astype(np.int64)
    shifts = 53 - _LOWER_BITS - exponents
    if shifts.max(initial=0) > _LARGEST_SHIFT:
        raise ModelError(
            f"The sums of {operands.output.name!r} are so fine that its output is always 0.",
            expected="Expected at least 2^-31 output steps per step of a sum.",
            hint="Calibrate it with other data.",
        )
    upper, lower = whole >> _LOWER_BITS, whole & ((1 << _LOWER_BITS) - 1)
    return Mantissas(upper.astype(np.int32), lower.astype(np.int32), shifts.astype(np.int8))
