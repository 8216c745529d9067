"""CONV_2D and FULLY_CONNECTED for firmware/kernels/avr/conv_2d_avr.h and conv_2d_decoded_avr.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import Array, KernelCall, Operands, Weights
from tinycomp.kernels._avr_blocks import BLOCK, ONCE, TWICE, constants, interleaved, output
from tinycomp.kernels._avr_window import WINDOW, hangs_over, is_dilated
from tinycomp.kernels._dsp_sums import integer
from tinycomp.ops._rows import rows

_SIZES = ("input_height", "input_width", "input_channels", "output_width", "output_channels")
_Fields = dict[str, int | Array | Weights]


def convolution(call: KernelCall, operands: Operands, stored: Encoded) -> KernelCall | None:
    """The call; None where windows are dilated or numbers leave its bounds."""
    if is_dilated(call):
        return None
    fields: _Fields = {name: call.fields[name] for name in (*_SIZES, *WINDOW, "input_zero_point")}
    gathered = integer(call, "kernel_height") > 1 or hangs_over(call, operands)
    return _finish(call, fields, stored, TWICE, gathered)


def fully_connected(call: KernelCall, operands: Operands, stored: Encoded) -> KernelCall | None:
    """A convolution of 1 x 1, rounded once; None where the factor is extended."""
    if integer(call, "extended"):
        return None
    height, width = rows(operands.output.shape)[0], integer(call, "width")
    inputs, outputs = integer(call, "input_size"), integer(call, "output_size")
    sizes = dict(zip(_SIZES, (height, width, inputs, width, outputs), strict=True))
    window = dict(zip((*WINDOW, "input_zero_point"), (1, 1, 1, 1, 0, 0, 0), strict=True))
    return _finish(call, {**sizes, **window}, stored, ONCE, gathered=False)


def _finish(
    call: KernelCall, fields: _Fields, stored: Encoded, half: int, gathered: bool
) -> KernelCall | None:
    """With the output's numbers and all blocks of channels, the last filled with its last one."""
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    channels, window = weights.values.shape
    blocks = np.minimum(np.arange(channels + -channels % BLOCK), channels - 1).reshape(-1, BLOCK)
    known = constants(call, blocks)
    if known is None or stored.codec == "channel_codebook":
        return None
    dense = stored.codec == "dense"
    ordered = interleaved(weights, blocks, (stored.codec,), block=0 if dense else 1)
    if dense:
        ordered = replace(ordered, values=ordered.values ^ np.int8(-128))
    fields |= {"gathered": int(gathered), **output(call, half), "weights": ordered}
    fields["constants"] = known
    if dense:
        # A pixel is read as a whole before its outputs are written.
        pointwise = all(fields[name] == 1 for name in WINDOW[:4]) and not gathered
        return KernelCall("conv_2d_avr", fields, scratch=2 * window + 5, in_place=pointwise)
    return KernelCall("conv_2d_decoded_avr", fields, scratch=window if gathered else 0)
