"""The two inputs of ADD: one has half the common scale, so it is rescaled without rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer

HALF = (1 << 30, 0)
"""The coarse input's multiplier and shift: its scale is half the common one."""
COARSE_BITS = 19
"""Left shift of the coarse input: 20 extra bits, halved."""


@dataclass(frozen=True)
class Sides:
    """The two inputs of an addition: the coarse one has the larger scale."""

    fields: Mapping[str, int]
    """All numeric fields of the call."""
    coarse: int
    """Which input is coarse, 0 or 1."""
    coarse_zero_point: int
    """Of the coarse input; 0 on int16."""
    fine_zero_point: int
    """Of the other."""
    multiplier: int
    """The fine input's."""
    shift: int
    """The fine input's, to the left."""


def one_repeats(operands: Operands) -> bool:
    """Whether one of the inputs is broadcast."""
    first, second = operands.activations
    return first.size != second.size


def sides_of(call: KernelCall, operands: Operands) -> Sides | None:
    """The inputs of an addition; None for a difference, if one is broadcast, or if neither has half
    the scale.
    """
    if one_repeats(operands):
        return None
    fields = {name: integer(call, name) for name in call.fields}
    if min(fields["wide_multiplier"], fields["repeated_multiplier"]) < 0:
        return None
    factors = {
        side: (fields[f"{side}_multiplier"], fields[f"{side}_shift"])
        for side in ("wide", "repeated")
    }
    coarse = "wide" if factors["wide"] == HALF else "repeated"
    fine = "repeated" if coarse == "wide" else "wide"
    if factors[coarse] != HALF:
        return None
    # A factor of a half needs no rounding; nearly one, then halved, is the same for all of int16.
    multiplier, shift = ((1 << 31) - 1, -1) if factors[fine] == HALF else factors[fine]
    return Sides(
        fields,
        fields["wide"] if coarse == "wide" else 1 - fields["wide"],
        fields.get(f"{coarse}_zero_point", 0),
        fields.get(f"{fine}_zero_point", 0),
        multiplier,
        shift,
    )
