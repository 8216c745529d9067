"""Fixed-point factors for small integers, refused if LiteRT's 32 bits would overflow."""

from __future__ import annotations

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import Multiplier, quantize_multiplier
from tinycomp.ir.tensor import Operands


def bounded_multiplier(factor: float, bits: int, operands: Operands) -> Multiplier:
    """The fixed-point form of a positive factor for integers of at most `bits` bits and a sign.

    Raises:
        ModelError: LiteRT shifts left before it multiplies, and the integers would exceed 32 bits.
    """
    multiplier = quantize_multiplier(factor)
    if multiplier.shift > 31 - bits:
        raise ModelError(
            f"The scale of {operands.output.name!r} is {factor:g} times finer than its input's.",
            expected=f"Expected at most 2^{31 - bits} times: more overflows 32 bits.",
            hint="Calibrate with data that makes this layer's output other than zero.",
        )
    return multiplier
