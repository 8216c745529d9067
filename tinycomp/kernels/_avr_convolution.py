"""CONV_2D and FULLY_CONNECTED for firmware/kernels/avr/conv_2d_avr.h."""

from __future__ import annotations

import numpy as np

from tinycomp.ir import Array, KernelCall, Operands, Weights
from tinycomp.kernels._avr_blocks import BLOCK, factors, interleaved
from tinycomp.kernels._avr_window import WINDOW, borders_count, is_dilated
from tinycomp.kernels._dsp_sums import integer
from tinycomp.ops._rows import rows

TWICE, ONCE = 0x80, 0
"""How sums are rounded (block_avr.h)."""
SHORT = 16
"""Activations in a row of a window; fewer are quicker copied than summed in runs of their own."""

_Fields = dict[str, int | Array | Weights]


def convolution(call: KernelCall, operands: Operands) -> KernelCall | None:
    """The call; None where windows are dilated or numbers leave its bounds."""
    if is_dilated(call):
        return None
    names = ("input_height", "input_width", "input_channels", "output_width", "output_channels")
    fields: _Fields = {name: call.fields[name] for name in (*names, *WINDOW)}
    row = integer(call, "kernel_width") * integer(call, "input_channels")
    short = row < SHORT and integer(call, "kernel_height") > 1
    fields["input_zero_point"] = call.fields["input_zero_point"]
    return _finish(call, fields, TWICE, int(short or borders_count(call, operands)))


def fully_connected(call: KernelCall, operands: Operands) -> KernelCall | None:
    """A convolution of 1 x 1, rounded once; None where the factor is extended."""
    if integer(call, "extended"):
        return None
    width = integer(call, "width")
    sizes = (rows(operands.output.shape)[0], width, call.fields["input_size"], width)
    names = ("input_height", "input_width", "input_channels", "output_width")
    fields: _Fields = dict(zip(names, sizes, strict=True))
    fields["output_channels"] = call.fields["output_size"]
    fields |= dict(zip((*WINDOW, "input_zero_point"), (1, 1, 1, 1, 0, 0, 0), strict=True))
    return _finish(call, fields, ONCE, 0)


def _finish(call: KernelCall, fields: _Fields, half: int, gathered: int) -> KernelCall | None:
    """With the output's numbers and all blocks of channels, the last filled with its last one."""
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    channels, window = weights.values.shape
    blocks = np.minimum(np.arange(channels + -channels % BLOCK), channels - 1).reshape(-1, BLOCK)
    constants = factors(call, blocks)
    if constants is None:
        return None
    for name in ("output_zero_point", "activation_min", "activation_max"):
        fields[name] = call.fields[name]
    fields |= {"half": half, "gathered": gathered}
    fields |= {"weights": interleaved(weights, blocks), "factors": constants}
    return KernelCall("conv_2d_avr", fields, scratch=window if gathered else 0)
