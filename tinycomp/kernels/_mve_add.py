"""ADD for firmware/kernels/armv8_1m_mve/add_mve.h."""

from __future__ import annotations

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels import _add_affine
from tinycomp.kernels._add_sides import COARSE_BITS, sides_of


def add(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The call of an affine function, or that of the MVE kernel; None if there is no such function
    and values exceed the kernel's bounds.
    """
    if (affine := _add_affine.add(call, operands, stored)) is not None:
        return affine
    sides = sides_of(call, operands)
    if sides is None:
        return None
    if not -32 < sides.shift < 0:
        return None
    fields = sides.fields
    if not -32 < fields["output_shift"] < 0:
        return None
    constants = {
        "coarse": sides.coarse,
        "size": fields["size"],
        "fine_offset": -sides.fine_zero_point << (COARSE_BITS + 1),
        "coarse_offset": -sides.coarse_zero_point << COARSE_BITS,
        "fine_multiplier": sides.multiplier,
        "fine_shift": sides.shift,
        "multiplier": fields["output_multiplier"],
        "shift": fields["output_shift"],
        "zero_point": fields["output_zero_point"],
        "activation_min": fields["activation_min"],
        "activation_max": fields["activation_max"],
    }
    return KernelCall("add_mve", constants, in_place=call.in_place)
