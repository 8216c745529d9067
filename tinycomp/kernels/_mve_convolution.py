"""CONV_2D for firmware/kernels/armv8_1m_mve/convolution_mve.h."""

from __future__ import annotations

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.kernels._dsp_sums import integer
from tinycomp.kernels._mve_gemm import GROUP, gemm_fields
from tinycomp.kernels._mve_sums import factors, vector_sums

TALLEST = 16
"""Maximum rows of a window."""
GATHERED = 1024
"""Approximate bytes of columns gathered at a time; at least two pixels."""
_LEFT_OUT = ("weights", "constants")


def convolution(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The MVE kernel's call; None if there are fewer channels than a group, windows are too tall,
    or values exceed its bounds.
    """
    sums = vector_sums(call)
    if integer(call, "kernel_height") > TALLEST:
        return None
    if sums is None or stored is None or len(sums.bias) < GROUP:
        return None
    matrix = _by_columns(call, sums.weights)
    tile, gathered = (0, 0) if single_cells(call) else _tile(call, matrix.shape[1])
    reading, weights, arranged = gemm_fields(call, matrix, stored)
    fields = {name: value for name, value in call.fields.items() if name not in _LEFT_OUT}
    fields |= {"tile": tile, **reading, "weights": weights, **factors(sums)}
    rectified = integer(call, "output_zero_point") == -128
    kernel = "conv_2d_mve" if rectified else "conv_2d_signed_mve"
    return KernelCall(kernel, fields, scratch=gathered + arranged)


def _by_columns(call: KernelCall, matrix: Array) -> Array:
    """Reorders weights of a window from row by row to column by column."""
    size = [integer(call, f"kernel_{side}") for side in ("height", "width")]
    return matrix.reshape(len(matrix), *size, -1).transpose(0, 2, 1, 3).reshape(matrix.shape)


def single_cells(call: KernelCall) -> bool:
    """Whether windows are single cells of the input."""
    padding = integer(call, "padding_top") + integer(call, "padding_left")
    reach = (integer(call, "output_width") - 1) * integer(call, "stride_width")
    single = integer(call, "kernel_height") * integer(call, "kernel_width") == 1
    return single and padding == 0 and reach < integer(call, "input_width")


def _tile(call: KernelCall, length: int) -> tuple[int, int]:
    """Pixels whose columns are gathered at a time, equal parts of a row as long as they fit; bytes
    of these and a cell of the border.
    """
    width, cell = integer(call, "output_width"), integer(call, "input_channels")
    column = integer(call, "kernel_height") * cell
    shared = integer(call, "dilation_width") == 1
    step = integer(call, "stride_width") * column if shared else length
    parts = -(-width // max(2, (GATHERED - length) // step + 1))
    tile = -(-width // parts)
    tile = min(width, tile + tile % 2)
    return tile, cell + (tile - 1) * step + length
