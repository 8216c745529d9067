"""CONV_2D for firmware/kernels/lx6/conv_2d_mac16.h."""

from __future__ import annotations

import math

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer, sums_of
from tinycomp.kernels._mac16_sums import lines_of
from tinycomp.kernels._mac16_weights import GROUP, stored_weights

TILE, BLOCK = 2, 2
"""Scratch for pixels, as a multiple of a layer's limit for decoded weights; scratch for weights, as
a fraction of it.
"""
ROW = 4
"""Bytes of a window row's offset."""
LEAST = 4
"""Pixels that share a channel's factors, if the layer has enough."""
_CONSTANTS = ("output_zero_point", "activation_min", "activation_max", "weights", "constants")


def convolution(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The MAC16 kernel's call; None if values exceed its bounds."""
    sums = sums_of(call)
    if sums is None or stored is None:
        return None
    found = lines_of(call, sums)
    fours = -(-sums.weights.shape[1] // GROUP)
    size = 2 * GROUP * fours
    channels, pixels = len(sums.bias), math.prod(operands.output.shape[:-1])
    tile = min(pixels, _tile(max(1, TILE * call.room // size), integer(call, "output_width")))
    block = min(channels, max(1, call.room // BLOCK // size))
    weights = stored_weights(sums.weights, block, stored)
    if found is None or weights is None:
        return None
    fields = {name: value for name, value in call.fields.items() if name not in _CONSTANTS}
    fields |= {
        "two_sided": int(found.two_sided),
        **weights.members,
        "fours": fours,
        "tile": tile,
        "block": block,
        "weights": weights.weights,
        "factors": found.factors,
    }
    scratch = size * (tile + block) + GROUP * fours + ROW * integer(call, "kernel_height")
    return KernelCall("conv_2d_mac16", fields, scratch=scratch, in_place=_pointwise(call, operands))


def _tile(room: int, width: int) -> int:
    """About as many pixels as fit, so that tiles fill rows."""
    if room >= width:
        return room
    return max(LEAST, -(-width // round(width / room)))


def _pointwise(call: KernelCall, operands: Operands) -> bool:
    """Whether each output pixel can overwrite its input pixel, which has as many channels."""
    ones = ("kernel_height", "kernel_width", "stride_height", "stride_width")
    same = operands.activations[0].shape == operands.output.shape
    return same and all(integer(call, name) == 1 for name in ones)
