"""CONV_2D and DEPTHWISE_CONV_2D on int16 for firmware/kernels/armv8_1m_mve/*_int16_mve.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Member, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_depthwise import over_all_channels
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._dsp_sums_int16 import Sums16, sums_of_int16
from tinycomp.kernels._mve_convolution import single_cells
from tinycomp.kernels._mve_gemm import GROUP, grouped

VECTOR = 8
"""Products per instruction."""
_LANES = (0, 2, 4, 6, 1, 3, 5, 7)
"""Of eight channels: products of the even ones are one vector, those of the odd ones another."""
_LEFT_OUT = ("weights", "constants", "upper")


def convolution_int16(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The MVE kernel's call; None if weights are decoded, there are fewer channels than a group, or
    values exceed its bounds.
    """
    sums = sums_of_int16(call)
    if sums is None or stored is None or stored.buffered or len(sums.start) < GROUP:
        return None
    values = grouped(sums.weights, VECTOR)
    single = single_cells(call)
    fields = {name: value for name, value in call.fields.items() if name not in _LEFT_OUT}
    fields |= {"single": int(single), **_last(sums, values, GROUP, tuple(range(GROUP)))}
    scratch = 0 if single else 4 * (sums.weights.shape[1] + sums.weights.shape[1] % 2)
    return KernelCall("conv_2d_int16_mve", fields, scratch=scratch, tile=2)


def depthwise_int16(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The MVE kernel's call; None if channels share an input channel, unless there are few, or
    values exceed its bounds.
    """
    if integer(call, "input_channels") < VECTOR:
        return convolution_int16(over_all_channels(call, "conv_2d_int16"), operands, stored)
    sums = sums_of_int16(call)
    if sums is None or integer(call, "channel_multiplier") != 1:
        return None
    starts = _starts(len(sums.start), VECTOR)
    blocks = np.stack([sums.weights[start : start + VECTOR].T for start in starts])
    values = np.ascontiguousarray(blocks).reshape(len(blocks), -1)
    names = {"input_channels": "channels"}
    fields = {
        names.get(name, name): value
        for name, value in call.fields.items()
        if name not in (*_LEFT_OUT, "channel_multiplier")
    }
    fields |= _last(sums, values, VECTOR, _LANES)
    scratch = 16 * sums.weights.shape[1] + 2 * len(sums.start)
    return KernelCall("depthwise_int16_mve", fields, scratch=scratch)


def _starts(channels: int, block: int) -> list[int]:
    """The first channel of each block; the last block is the last channels."""
    return [min(start, channels - block) for start in range(0, channels, block)]


def _last(
    sums: Sums16, values: NDArray[np.int8], block: int, lanes: tuple[int, ...]
) -> dict[str, Member]:
    """The last members of a struct: weights by blocks, then starts and multipliers by blocks."""
    pairs = np.stack([sums.start, sums.multiplier])
    factors = [
        pairs[:, start : start + block][:, lanes] for start in _starts(pairs.shape[1], block)
    ]
    return {
        "weights": Weights(values, len(values), codecs=("dense",)),
        "factors": np.stack(factors).astype(np.int32).reshape(-1),
    }
