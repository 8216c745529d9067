"""ADD and SUB of a tensor and a constant for firmware/kernels/add_constant_affine.h."""

from __future__ import annotations

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.fixed_point import requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.kernels._add_affine import INT8, function_of
from tinycomp.kernels._dsp_sums import integer
from tinycomp.ops._quantized import parameters


def add_constant(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The affine kernel's call; None if no such function is found."""
    (constant,) = operands.constants
    values = constant.values.astype(np.int8).ravel()
    others, places = np.unique(values, return_index=True)
    bounds = integer(call, "activation_min"), integer(call, "activation_max")
    outputs = _outputs(call, places)
    factors = _factors(call, operands, bool((outputs[:, -1] < outputs[:, 0]).any()))
    found = function_of(outputs, factors, others.astype(np.int64), bounds)
    if found is None:
        return None
    single = len(values) == 1
    fields: dict[str, int | Array] = {
        "size": integer(call, "size"),
        "period": integer(call, "size") if single else integer(call, "period"),
        "advance": integer(call, "advance"),
        "constant": values,
        "input_factor": found.first,
        "constant_factor": 0 if single else found.second,
        "offset": found.offset + (found.second * int(values[0]) if single else 0),
        "shift": found.shift,
        "activation_min": bounds[0],
        "activation_max": bounds[1],
    }
    return KernelCall("add_constant_affine", fields, in_place=call.in_place)


def _outputs(call: KernelCall, places: Array) -> Array:
    """The portable kernel's results for all inputs beside some values of its constant, without
    bounds.
    """
    addends = call.fields["constant"]
    assert isinstance(addends, np.ndarray)
    centred = (INT8 - integer(call, "input_zero_point")) << 20
    raised = requantize(centred, integer(call, "input_multiplier"), integer(call, "input_shift"))
    signed = -raised if integer(call, "negative") else raised
    sums = addends[places].astype(np.int64) + signed[:, None]
    scaled = requantize(sums, integer(call, "output_multiplier"), integer(call, "output_shift"))
    outputs: Array = scaled + integer(call, "output_zero_point")
    return outputs


def _factors(call: KernelCall, operands: Operands, falls: bool) -> tuple[float, float]:
    """One step of the tensor, and one of the constant, in steps of the output.

    Args:
        call: of the portable kernel.
        operands: the node's.
        falls: whether the sum falls where the constant grows.
    """
    (tensor,), (constant,) = operands.activations, operands.constants
    step = parameters(operands.output).scale
    first, second = parameters(tensor).scale / step, parameters(constant).scale / step
    return -first if integer(call, "negative") else first, -second if falls else second
