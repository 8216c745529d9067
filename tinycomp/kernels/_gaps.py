"""FULLY_CONNECTED with very sparse weights, for firmware/kernels/fully_connected_gaps.h: any
core.
"""

from __future__ import annotations

import math

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import codecs
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer

CODEC = "gap_huffman"
WORD = 4
"""Bytes of a sum."""


def sparse_dense(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The call of the kernel that multiplies weights while decoding them; None for other codecs,
    several vectors, or extended factors.
    """
    if call.kernel != "fully_connected" or stored is None or stored.codec != CODEC:
        return None
    if math.prod(operands.output.shape[:-1]) != 1 or integer(call, "extended"):
        return None
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    orders = [
        Weights(np.ascontiguousarray(values), 0, codecs=(CODEC,))
        for values in (weights.values, weights.values.T)
    ]
    sizes = [_size(order) for order in orders]
    by_input = int(sizes[1] < sizes[0])
    names = ("output_zero_point", "activation_min", "activation_max")
    fields = {
        "input_size": call.fields["input_size"],
        "output_size": call.fields["output_size"],
        "by_input": by_input,
        **{name: call.fields[name] for name in names},
        "weights": orders[by_input],
        "constants": call.fields["constants"],
    }
    scratch = WORD * integer(call, "output_size") * by_input
    return KernelCall("fully_connected_gaps", fields, scratch=scratch)


def _size(weights: Weights) -> float:
    encoded = codecs()[CODEC].encode(weights)
    return math.inf if encoded is None else encoded.size
