"""ADD for firmware/kernels/armv8_1m_mve/add_mve.h."""

from __future__ import annotations

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall
from tinycomp.kernels._dsp_add import COARSE_BITS, HALF
from tinycomp.kernels._dsp_sums import integer


def add(call: KernelCall, stored: Encoded | None) -> KernelCall | None:
    """The call of the MVE kernel; None where an input repeats itself or numbers leave bounds."""
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
    if sides[coarse] != HALF or not -32 < shift < 0 or not -32 < fields["output_shift"] < 0:
        return None
    constants = {
        "coarse": fields["wide"] if coarse == "wide" else 1 - fields["wide"],
        "size": fields["size"],
        "fine_offset": -fields[f"{fine}_zero_point"] << (COARSE_BITS + 1),
        "coarse_offset": -fields[f"{coarse}_zero_point"] << COARSE_BITS,
        "fine_multiplier": multiplier,
        "fine_shift": shift,
        "multiplier": fields["output_multiplier"],
        "shift": fields["output_shift"],
        "zero_point": fields["output_zero_point"],
        "activation_min": fields["activation_min"],
        "activation_max": fields["activation_max"],
    }
    return KernelCall("add_mve", constants, in_place=call.in_place)
