"""ADD and SUB for firmware/kernels/scalar/add_scalar.h: tensors of the same shape."""

from __future__ import annotations

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels import _add_affine
from tinycomp.kernels._add_sides import one_repeats
from tinycomp.kernels._dsp_sums import integer


def add(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The scalar kernel's call, or that for broadcasts; None if there is no affine function."""
    if one_repeats(operands):
        return _add_affine.add(call, operands, stored)
    found = _add_affine.affine(call)
    if found is None:
        return None
    constants = {
        "size": integer(call, "size"),
        "first_factor": found.first,
        "second_factor": found.second,
        "offset": found.offset,
        "shift": found.shift,
        "activation_min": integer(call, "activation_min"),
        "activation_max": integer(call, "activation_max"),
    }
    return KernelCall("add_scalar", constants, in_place=call.in_place)
