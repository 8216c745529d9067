"""ADD for firmware/kernels/armv7e_m/add_dsp.h and add_int16_dsp.h."""

from __future__ import annotations

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels import _add_affine
from tinycomp.kernels._add_sides import COARSE_BITS, sides_of
from tinycomp.kernels._dsp_sums import LARGEST_SHIFT


def add(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The call of an affine function, or that of the DSP kernel; None if there is no such function
    and values exceed the kernel's bounds.
    """
    if (affine := _add_affine.add(call, operands, stored)) is not None:
        return affine
    sides = sides_of(call, operands)
    if sides is None:
        return None
    if not -4 <= sides.shift < 0:
        return None
    fields, shift = sides.fields, sides.shift
    if not 1 <= -fields["output_shift"] <= LARGEST_SHIFT:
        return None
    constants = {
        "coarse": sides.coarse,
        "fine_zero_point": sides.fine_zero_point,
        "activation_min": fields["activation_min"],
        "activation_max": fields["activation_max"],
        "size": fields["size"],
        "fine_multiplier": sides.multiplier,
        "fine_rounding": (1 << (-shift - 1)) - (sides.coarse_zero_point << (COARSE_BITS - shift)),
        "fine_shift": -shift,
        "multiplier": fields["output_multiplier"],
        "rounding": (2 * fields["output_zero_point"] + 1) << (-fields["output_shift"] - 1),
        "shift": -fields["output_shift"] - 1,
    }
    return KernelCall("add_dsp", constants, in_place=call.in_place)


def add_int16(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The DSP kernel's call on int16; None for a difference, if an input is broadcast, or if a
    factor is one half or more.
    """
    sides = sides_of(call, operands)
    if sides is None:
        return None
    fine, output = -sides.shift, -sides.fields["output_shift"]
    if not (1 <= fine <= LARGEST_SHIFT and 1 <= output <= LARGEST_SHIFT):
        return None
    constants = {
        "coarse": sides.coarse,
        "size": sides.fields["size"],
        "activation_min": sides.fields["activation_min"],
        "activation_max": sides.fields["activation_max"],
        "fine_shift": fine,
        "output_shift": output,
        "fine_multiplier": sides.multiplier,
        "output_multiplier": sides.fields["output_multiplier"],
    }
    return KernelCall("add_int16_dsp", constants, in_place=call.in_place)
