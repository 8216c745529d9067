"""CONV_2D for firmware/kernels/armv7e_m/convolution.h and the kernels based on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.ir.tensor import Array, Operands
from tinycomp.kernels._dsp_kept import COLUMNS, WINDOWS, Kept, kept_of_windows
from tinycomp.kernels._dsp_rounding import rounding
from tinycomp.kernels._dsp_sums import Sums, integer, sums_of
from tinycomp.kernels._dsp_weights import PAIR_TABLE, Arrange, Layer, layer
from tinycomp.kernels._dsp_words import interleaved, offsets

PAIR = 2
"""Output channels computed together."""
GROUP = 4
"""Weights multiplied together."""
FOUR, FIVE, EIGHT = 4, 5, 8
"""Output pixels computed together."""
WASTE = 1.15
"""The largest allowed ratio of computed to actual pixels for a kernel of eight pixels."""
TILES_PIXELS, TILES_BYTES, TILES_BLOCK = 16, 2048, 512
"""Of tiles that meet decoded weights together: pixels and their bytes; bytes that are decoded."""
_LEFT_OUT = ("output_zero_point", "weights", "constants")


def convolution(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The DSP kernel's call; None if values exceed its bounds."""
    sums = sums_of(call)
    if sums is None or stored is None:
        return None
    if _three_columns(call):
        skipping = _by_windows(call, operands, sums, stored, skips=True)
        return skipping or _by_columns(call, sums, stored)
    return _by_windows(call, operands, sums, stored)


def _by_groups(call: KernelCall, matrix: Array) -> Array:
    """Weights in the order of expanded windows: the full groups of four of each window row, then
    the rests of all rows. Rows of less than a group are filled up with zeros, or all rows are taken
    as one where that makes fewer groups.
    """
    rows = matrix.reshape(len(matrix), integer(call, "kernel_height"), -1)
    if rows.shape[2] < GROUP and rows.shape[1] > -(-matrix.shape[1] // GROUP):
        rows = matrix[:, np.newaxis]
    missing = max(0, GROUP - rows.shape[2])
    rows = np.pad(rows, ((0, 0), (0, 0), (0, missing)))
    whole = rows.shape[2] // GROUP * GROUP
    parts = [rows[:, :, :whole], rows[:, :, whole:]]
    return np.concatenate([part.reshape(len(matrix), -1) for part in parts], axis=1)


def _by_windows(
    call: KernelCall, operands: Operands, sums: Sums, stored: Encoded, *, skips: bool = False
) -> KernelCall | None:
    """Windows are expanded one by one. If it `skips`, None unless blocks of zeros are skipped."""
    found = layer(
        _by_groups(call, sums.weights), len(sums.weights) + len(sums.weights) % PAIR, _pairs, PAIR
    )
    if found is None:
        return None
    gathers = not _inside(call, operands)
    kept = kept_of_windows(found, stored, COLUMNS if skips else WINDOWS, operands.output)
    if skips and kept is None:
        return None
    form = _skipping(found, kept) if kept else _looked_up(call, found, stored)
    form = form or _words(call, found, stored)
    fields = {name: value for name, value in call.fields.items() if name not in _LEFT_OUT}
    fields |= {
        "gathers": int(gathers),
        "packed": 0,
        **form.weights,
        **_rounding(call, sums, found, form.block, looked_up=form.table > 0),
    }
    window = found.words.shape[1]
    scratch = 2 * form.pixels * window + 4 * integer(call, "kernel_height")
    if gathers:
        scratch += 4 * integer(call, "kernel_height") + window
    return KernelCall(
        form.kernel,
        fields,
        scratch=scratch,
        in_place=form.once and not gathers and _is_pointwise(call),
        tile=form.pixels if form.table or kept else 1,
        table=form.table,
        share=call.share * (kept.share if kept else 1),
    )


@dataclass(frozen=True)
class _Form:
    """A kernel and its weights."""

    kernel: str
    """Name of the kernel."""
    weights: Mapping[str, int | Weights]
    """Fields of its struct for the weights."""
    pixels: int
    """Pixels that are computed together."""
    once: bool = True
    """Whether each pixel is expanded only once."""
    table: int = 0
    """Bytes of the table for looking up weights."""
    block: int = 0
    """Channels whose constants are unpacked together; 0: all."""


def _words(call: KernelCall, found: Layer, stored: Encoded) -> _Form:
    """The form with weights as words, in flash or decoded."""
    width = integer(call, "output_width")
    pixels = FIVE if width % FIVE == 0 and width % FOUR else FOUR
    tiles = _tiles(call, found, stored, pixels)
    weights = found.fields(stored, TILES_BLOCK if tiles else call.room)
    block = weights["block"]
    assert isinstance(block, int)
    kernel = "conv_2d_5x2" if pixels == FIVE else "conv_2d"
    return _Form(
        f"{kernel}_tiles_dsp" if tiles else f"{kernel}_dsp",
        weights,
        pixels * max(1, tiles),
        once=tiles > 0 or weights["block"] == len(found.words),
        block=0 if tiles else block,
    )


def _skipping(found: Layer, kept: Kept) -> _Form:
    """The form that multiplies by the words that are not zero."""
    block = len(found.words)
    weights: dict[str, int | Weights] = {"workspace": 0, "bytes": 0, "block": block}
    weights["weights"] = kept.weights
    return _Form("conv_2d_kept_dsp", weights, FOUR)


def _looked_up(call: KernelCall, found: Layer, stored: Encoded) -> _Form | None:
    """The form that looks up pairs of weights in the inner loop, which takes less memory than
    decoding them; None if there is enough memory, or no codebook.
    """
    weights = found.looked_up(stored, call.room, _pairs_of_indices)
    if weights is None:
        return None
    return _Form("conv_2d_codebook_dsp", weights, FOUR, table=PAIR_TABLE)


def _pairs_of_indices(values: NDArray[np.int8]) -> NDArray[np.int8]:
    """Pairs of channels: per group w0 and w2 of both, then w1 and w3 of both."""
    split = values.reshape(len(values) // PAIR, PAIR, -1, 2, 2)  # ..., group, first of halves, half
    return np.ascontiguousarray(split.transpose(0, 2, 4, 1, 3)).reshape(len(split), -1)


def _tiles(call: KernelCall, found: Layer, stored: Encoded, pixels: int) -> int:
    """Tiles that are expanded together, where weights are decoded again for each such group: better
    than to expand all pixels again for each block of weights. 0: neither is needed, or pixels take
    too much room.
    """
    if not stored.buffered or found.size <= call.room:
        return 0
    tiles = TILES_PIXELS // pixels
    return tiles if 2 * tiles * pixels * found.words.shape[1] <= TILES_BYTES else 0


def _is_pointwise(call: KernelCall) -> bool:
    """Whether each output pixel can overwrite the input pixel, which is expanded before."""
    names = ("kernel_height", "kernel_width", "stride_height", "stride_width")
    return [integer(call, name) for name in names] == [1, 1, 1, 1]


def _pairs(words: NDArray[np.int8]) -> NDArray[np.int8]:
    """Pairs of channels, a word of each in turn."""
    return interleaved(words, PAIR).reshape(len(words) // PAIR, -1)


def _inside(call: KernelCall, operands: Operands) -> bool:
    """Whether all windows are inside the input and can be read in place, row by row."""
    sizes = zip(("height", "width"), ("top", "left"), operands.output.shape, strict=False)
    for axis, before, outputs in sizes:
        reach = (outputs - 1) * integer(call, f"stride_{axis}") + integer(call, f"kernel_{axis}")
        if integer(call, f"padding_{before}") or reach > integer(call, f"input_{axis}"):
            return False
    row = integer(call, "kernel_width") * integer(call, "input_channels")
    return integer(call, "dilation_height") == integer(call, "dilation_width") == 1 and row >= GROUP


def _three_columns(call: KernelCall) -> bool:
    """Whether windows are three columns wide, with stride 1 and a multiple of four channels."""
    names = ("kernel_width", "stride_width", "dilation_width")
    if [integer(call, name) for name in names] != [3, 1, 1] or integer(call, "input_channels") % 4:
        return False
    width = integer(call, "output_width")
    return -(-width // EIGHT) * EIGHT <= WASTE * width


def _by_columns(call: KernelCall, sums: Sums, stored: Encoded) -> KernelCall | None:
    """The form for tiles of eight pixels, whose windows share columns."""
    height = integer(call, "kernel_height")

    def by_columns(words: NDArray[np.int8]) -> NDArray[np.int8]:
        split = words.reshape(len(words), height, 3, -1, 4)
        return np.ascontiguousarray(split.transpose(0, 1, 3, 2, 4)).reshape(len(words), -1)

    found = layer(sums.weights, len(sums.weights), by_columns, 1)
    if found is None:
        return None
    left_out = (*_LEFT_OUT, "kernel_width", "stride_width", "dilation_width")
    fields = {name: value for name, value in call.fields.items() if name not in left_out}
    looked_up = found.looked_up(stored, call.room, _columns_of_indices(height))
    weights, table = looked_up or found.fields(stored, call.room), PAIR_TABLE if looked_up else 0
    kernel = "conv_2d_kx3_codebook_dsp" if looked_up else "conv_2d_kx3_dsp"
    block = weights["block"]
    assert isinstance(block, int)
    constants = _rounding(call, sums, found, block, looked_up=table > 0)
    fields |= {"packed": 0, **weights, **constants}
    columns = 2 * (EIGHT + 2) * found.words.shape[1] // 3
    part = EIGHT * len(found.words) if integer(call, "output_width") % EIGHT else 0
    return KernelCall(kernel, fields, scratch=columns + part, table=table)


def _columns_of_indices(height: int) -> Arrange:
    """Per group in a window row, w0 and w2 of each column, then w1 and w3 of each."""

    def arrange(values: NDArray[np.int8]) -> NDArray[np.int8]:
        split = values.reshape(len(values), height, 3, -1, 2, 2)  # ..., first of halves, half
        return np.ascontiguousarray(split.transpose(0, 1, 3, 5, 2, 4)).reshape(len(values), -1)

    return arrange


def _rounding(
    call: KernelCall, sums: Sums, found: Layer, block: int, *, looked_up: bool
) -> dict[str, int | Channels]:
    """The constant part of products of words; zero for looked-up weights."""
    count = len(sums.bias)
    constant = 0 if looked_up else offsets(found.words)[:count]
    return rounding(call, sums, constant, len(found.words), block)
