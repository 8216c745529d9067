"""ADD for firmware/kernels/armv7e_m/add_dsp.h."""

from __future__ import annotations

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall, Operands
from tinycomp.kernels._dsp_sums import LARGEST_SHIFT, integer

HALF = (1 << 30, 0)
"""The coarse input's multiplier and shift: its scale is half the common one."""
COARSE_BITS = 19
"""So much is the coarse input shifted left: 20 bits more than it has, halved."""


def add(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The call of the DSP kernel; None where an input repeats itself or numbers leave bounds."""
    fields = {name: integer(call, name) for name in call.fields}
    if fields["period"] != fields["size"] or fields["rows"] == 1:
        return None
    sides = {
        side: (fields[f"{side}_multiplier"], fields[f"{side}_shift"])
        for side in ("wide", "repeated")
    }
    coarse = "wide" if sides["wide"] == HALF else "repeated"
    fine = "repeated" if coarse == "wide" else "wide"
    # A factor of a half needs no rounding; nearly one, then halved, is the same for all of int8.
    multiplier, shift = ((1 << 31) - 1, -1) if sides[fine] == HALF else sides[fine]
    rounding = (1 << (-shift - 1)) - (fields[f"{coarse}_zero_point"] << (COARSE_BITS - shift))
    if (
        sides[coarse] != HALF
        or not -4 <= shift < 0
        or not 1 <= -fields["output_shift"] <= LARGEST_SHIFT
    ):
        return None
    position = fields["wide"] if coarse == "wide" else 1 - fields["wide"]
    constants = {
        "coarse": position,
        "fine_zero_point": fields[f"{fine}_zero_point"],
        "activation_min": fields["activation_min"],
        "activation_max": fields["activation_max"],
        "size": fields["size"],
        "fine_multiplier": multiplier,
        "fine_rounding": rounding,
        "fine_shift": -shift,
        "multiplier": fields["output_multiplier"],
        "rounding": (2 * fields["output_zero_point"] + 1) << (-fields["output_shift"] - 1),
        "shift": -fields["output_shift"] - 1,
    }
    return KernelCall("add_dsp", constants, in_place=call.in_place)
