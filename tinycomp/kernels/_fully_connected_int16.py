"""FULLY_CONNECTED on int16 with 32-bit sums and integer factors, for any core
(firmware/kernels/fully_connected_factor_int16.h).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.fixed_point import scale_and_round
from tinycomp.ir.kernel_call import Channels, KernelCall, Member, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._dsp_sums_int16 import reach_of_int16
from tinycomp.kernels._factor_int16 import FINE, row_words

_LEFT_OUT = ("constants", "lower", "upper")
_CONSTANT_BITS = 15
_CONSTANT = (1 << 18, 1)
"""A constant output times 2^15, with this multiplier and this shift, is that output."""


@dataclass(frozen=True, eq=False)
class Factored:
    """A layer whose sums fit in 32 bits, with multipliers that round every sum as LiteRT does."""

    call: KernelCall
    """Of the portable kernel."""
    weights: Weights
    """Of the portable kernel."""
    matrix: NDArray[np.int8]
    """The weights (outputs, inputs); zero for outputs that don't vary."""
    rows: NDArray[np.int32]
    """Three words an output, (outputs, 3)."""

    @classmethod
    def of(cls, call: KernelCall) -> Factored | None:
        """None where a sum could leave 32 bits, or an output has no such multiplier."""
        weights = call.fields["weights"]
        assert isinstance(weights, Weights)
        constant, output = _constant(call, weights.values)
        rows = np.array([(value << _CONSTANT_BITS, *_CONSTANT) for value in output], np.int32)
        matrix = np.where(constant[:, None], 0, weights.values).astype(np.int8)
        if not constant.all():
            varying = np.flatnonzero(~constant)
            members = [call.fields[name] for name in _LEFT_OUT]
            found = row_words(members, matrix[varying], varying)
            if found is None:
                return None
            rows[varying] = found
        return cls(call, weights, matrix, rows)

    def fields(self, weights: Weights) -> dict[str, Member]:
        """The struct's members, with the weights as the kernel stores them."""
        kept = {name: v for name, v in self.call.fields.items() if name not in _LEFT_OUT}
        return {**kept, "weights": weights, "rows": self.rows.reshape(-1)}


def fully_connected_int16(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The call with integer factors; None where there are none, or where outputs that don't vary
    have weights.
    """
    found = Factored.of(call)
    if found is None or not np.array_equal(found.matrix, found.weights.values):
        return None
    return KernelCall("fully_connected_factor_int16", found.fields(found.weights))


def _constant(
    call: KernelCall, matrix: NDArray[np.int8]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which outputs are the same for all inputs, as converters leave them with factors of any size;
    and their values.
    """
    channels, lower = call.fields["constants"], call.fields["lower"]
    assert isinstance(channels, Channels)
    assert isinstance(lower, np.ndarray)
    upper = np.asarray(call.fields["upper"], np.int64)
    bias = channels.start.astype(np.int64) + (upper << 32)
    mantissas = (channels.multiplier.astype(np.int64) << FINE) + lower
    factors = np.ldexp(mantissas.astype(np.float64), -FINE - channels.low.astype(np.int64))
    bounds = integer(call, "activation_min"), integer(call, "activation_max")
    least, most = (
        np.clip(scale_and_round(sums, factors), *bounds)
        for sums in reach_of_int16(matrix.astype(np.int64), bias)
    )
    return least == most, least
