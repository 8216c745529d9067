"""CONV_2D for firmware/kernels/armv8_1m_mve/convolution_mve.h."""

from __future__ import annotations

from tinycomp.codecs._codec import Encoded
from tinycomp.ir import KernelCall
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._mve_gemm import GROUP, gemm_fields
from tinycomp.kernels._mve_sums import factors, vector_sums

TALLEST = 16
"""Rows of a window, at most."""
WINDOWS = 1024
"""Bytes that are gathered at a time, about; two windows at least."""
_LEFT_OUT = ("weights", "bias", "multiplier", "shift")


def convolution(call: KernelCall, stored: Encoded | None) -> KernelCall | None:
    """The call of an MVE kernel; None where channels are less than a group, windows are too tall, or
    numbers leave its bounds.
    """
    sums = vector_sums(call)
    if integer(call, "kernel_height") > TALLEST:
        return None
    if sums is None or stored is None or len(sums.bias) < GROUP:
        return None
    length = sums.weights.shape[1]
    tile = 0 if _lies(call, length) else _tile(integer(call, "output_width"), length)
    reading, weights, arranged = gemm_fields(call, sums.weights, stored)
    fields = {name: value for name, value in call.fields.items() if name not in _LEFT_OUT}
    fields |= {"tile": tile, **reading, "weights": weights, **factors(sums)}
    rectified = integer(call, "output_zero_point") == -128
    kernel = "conv_2d_mve" if rectified else "conv_2d_signed_mve"
    return KernelCall(kernel, fields, scratch=tile * length + arranged)


def _lies(call: KernelCall, length: int) -> bool:
    """Whether windows are cells of the input."""
    padding = integer(call, "padding_top") + integer(call, "padding_left")
    reach = (integer(call, "output_width") - 1) * integer(call, "stride_width")
    single = length == integer(call, "input_channels")
    return single and padding == 0 and reach < integer(call, "input_width")


def _tile(width: int, length: int) -> int:
    """Windows to gather at a time: of a row's equal parts, as long as they fit."""
    parts = -(-width // max(2, WINDOWS // length))
    tile = -(-width // parts)
    return min(width, tile + tile % 2)
