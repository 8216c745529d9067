"""CONV_2D and FULLY_CONNECTED for firmware/kernels/avr/conv_2d*_avr.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Member, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._avr_blocks import BLOCK, ONCE, TWICE, constants, interleaved, output
from tinycomp.kernels._avr_window import WINDOW, hangs_over, is_dilated
from tinycomp.kernels._dsp_sums import integer
from tinycomp.ops._rows import rows

_SIZES = ("input_height", "input_width", "input_channels", "output_width", "output_channels")
INDEX_BITS = 4
"""Bits of a codebook's indices that the kernel looks up itself."""
_Fields = dict[str, Member]


def convolution(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The AVR kernel's call; None if windows are dilated or values exceed its bounds."""
    if stored is None or is_dilated(call):
        return None
    fields: _Fields = {name: call.fields[name] for name in (*_SIZES, *WINDOW, "input_zero_point")}
    gathered = integer(call, "kernel_height") > 1 or hangs_over(call, operands)
    return _finish(call, fields, stored, TWICE, gathered)


def fully_connected(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """As a 1 x 1 convolution that rounds once; None if the factor is extended."""
    if stored is None or integer(call, "extended"):
        return None
    height, width = rows(operands.output.shape)[0], integer(call, "width")
    inputs, outputs = integer(call, "input_size"), integer(call, "output_size")
    sizes = dict(zip(_SIZES, (height, width, inputs, width, outputs), strict=True))
    window = dict(zip((*WINDOW, "input_zero_point"), (1, 1, 1, 1, 0, 0, 0), strict=True))
    return _finish(call, {**sizes, **window}, stored, ONCE, gathered=False)


def _finish(
    call: KernelCall, fields: _Fields, stored: Encoded, half: int, gathered: bool
) -> KernelCall | None:
    """With the output's fields and all blocks of channels, the last one padded with its last
    channel.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    channels, window = weights.values.shape
    blocks = np.minimum(np.arange(channels + -channels % BLOCK), channels - 1).reshape(-1, BLOCK)
    known = constants(call, blocks)
    if known is None or stored.codec == "channel_codebook":
        return None
    fields |= {"gathered": int(gathered), **output(call, half)}
    kernel = _in_place_of(stored)
    if kernel is None:
        rows = interleaved(weights, blocks, (stored.codec,), block=1)
        fields |= {"weights": rows, "constants": known}
        return KernelCall("conv_2d_decoded_avr", fields, scratch=window if gathered else 0)
    rows = interleaved(weights, blocks, (stored.codec,), block=0)
    listed = 2 * window + 5
    if listed > call.room and not gathered:
        fields |= {"weights": kernel.direct(rows), "constants": known}
        return KernelCall(kernel.direct_name, fields)
    fields |= {"weights": kernel.stored(rows), "constants": known}
    # A pixel is read completely before its outputs are written.
    pointwise = all(fields[name] == 1 for name in WINDOW[:4]) and not gathered
    return KernelCall(kernel.name, fields, scratch=listed, in_place=pointwise)


@dataclass(frozen=True)
class _Kernel:
    """A kernel that reads weights in place, using a list of each window's activations."""

    name: str
    """Of the kernel with lists of activations."""
    stored: Callable[[Weights], Weights]
    """Converts weights to its layout."""
    direct_name: str
    """The kernel without a list, for long windows if RAM is short; a tenth slower."""
    direct: Callable[[Weights], Weights]
    """Converts weights to that one's layout."""


def _in_place_of(stored: Encoded) -> _Kernel | None:
    """The kernel that reads this codec's weights in place; None if they must be decoded."""
    if stored.codec == "dense":
        return _Kernel("conv_2d_avr", _unsigned, "conv_2d_direct_avr", _as_they_are)
    if stored.codec == "codebook" and stored.integer("bits") == INDEX_BITS:
        direct = "conv_2d_direct_codebook_avr"
        return _Kernel("conv_2d_codebook_avr", _with_whole_table, direct, _with_whole_table)
    return None


def _as_they_are(weights: Weights) -> Weights:
    return weights


def _unsigned(weights: Weights) -> Weights:
    """With 128 added."""
    return replace(weights, values=weights.values ^ np.int8(-128))


def _with_whole_table(weights: Weights) -> Weights:
    """A codebook of sixteen values: those of the layer's, or any beside the weights' own."""
    known = weights.codebook
    if known is not None and len(known) == 1 and np.unique(known).size == 1 << INDEX_BITS:
        return weights
    distinct = np.unique(weights.values)
    others = np.setdiff1d(np.arange(-128, 128), distinct)[: (1 << INDEX_BITS) - distinct.size]
    return replace(weights, codebook=np.concatenate([distinct, others])[None].astype(np.int8))
