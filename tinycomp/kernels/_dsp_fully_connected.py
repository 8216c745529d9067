"""FULLY_CONNECTED for firmware/kernels/armv7e_m/fully_connected*.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import codecs
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Array, Operands
from tinycomp.kernels._dsp_kept import kept_of_vectors
from tinycomp.kernels._dsp_sums import (
    channels_of,
    distinct,
    integer,
    reach,
    wide,
    wrapped,
)
from tinycomp.kernels._dsp_weights import LEAST, NIBBLES, PAIR_TABLE, indices_of
from tinycomp.kernels._dsp_words import interleaved, offsets, weight_words
from tinycomp.ops._weighted import SUM_LIMIT

GROUP = 4
"""Weights per word of activations."""
PAIRS = (0, 2, 1, 3)
"""Their order if looked up in pairs: that of activations after SXTB16."""
BLOCK = 8
"""Outputs that share each activation."""
SMALLER = 2 / 3
"""Maximum size, relative to 4-bit indices, of a form without look-up."""
LOOK_UP = 128
"""Approximate additional bytes of code for a small layer's look-up, compared to words."""
PART_BITS = 4
"""Sums that are made of parts are scaled by 2 ** PART_BITS, others by 256."""
LARGEST_SHIFT = 21
"""(2 * zero point + 1) << shift, and the product's high word on top, stay within 32 bits."""


def fully_connected(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The DSP kernel's call; None if values exceed its bounds, or many weights must be decoded that
    have no small codebook.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    matrix = weights.values.astype(np.int64)
    channels = channels_of(call)
    bias, left, multiplier = wide(channels)
    if stored is None or integer(call, "extended"):
        return None
    part = _part(matrix, bias)
    # Sums are scaled by 256, or by less if they have parts; the product's lower word is dropped.
    shift = (PART_BITS if part else 8) - 2 - left
    if part is None or not 0 <= shift.min() <= shift.max() <= LARGEST_SHIFT:
        return None
    if part:
        found = _in_parts(matrix, bias, part)
    elif matrix.size >= LEAST:
        found = _skipping(matrix, bias, stored) or _large(matrix, bias, stored)
    else:
        found = _small(matrix, bias, stored)
    if found is None:
        return None
    fields = {name: call.fields[name] for name in ("width", "input_size", "output_size")}
    step = int(distinct(channels) > 1)
    factors = len(bias) if step else 1
    fields |= {"part": part, "channel_step": step}
    for name in ("output_zero_point", "activation_min", "activation_max"):
        fields[name] = call.fields[name]
    fields |= {
        "weights": found.weights,
        "start": found.start,
        "multiplier": multiplier[:factors].astype(np.int32),
        "shift": shift[:factors].astype(np.int8),
    }
    filled = -(-matrix.shape[1] // GROUP) * GROUP if matrix.shape[1] % GROUP else 0
    scratch = found.scratch + (filled if found.share == 1 else 0)
    return KernelCall(found.kernel, fields, scratch=scratch, share=found.share)


@dataclass(frozen=True, eq=False)
class _Form:
    """A kernel with its constants."""

    kernel: str
    """Name of the kernel."""
    weights: Weights
    """In the kernel's order."""
    start: Array
    """Initial value of each output's sum."""
    scratch: int = 0
    """Bytes for a table of weights, or for expanded inputs."""
    share: float = 1
    """The share of words that are multiplied."""


def _part(matrix: Array, bias: Array) -> int | None:
    """How many groups of weights make sums of 24 bits at most; 0 if all do; None if the whole sum
    is too large even so.
    """
    low, high = reach(matrix, bias)
    if np.maximum(-low, high).max() >= 1 << (31 - PART_BITS):
        return None
    groups = -(-matrix.shape[1] // GROUP)
    for parts in range(1, groups + 1):
        size = -(-groups // parts)
        if all(_fits(each, first) for each, first in _parts(matrix, bias, size)):
            return 0 if parts == 1 else size
    return None


def _fits(matrix: Array, bias: Array) -> bool:
    low, high = reach(matrix, bias)
    return bool((np.maximum(-low, high) < SUM_LIMIT).all())


def _parts(matrix: Array, bias: Array, part: int) -> Iterator[tuple[Array, Array]]:
    """The weights of each `part` groups, and what their sums start at."""
    for start in range(0, matrix.shape[1], GROUP * part):
        yield matrix[:, start : start + GROUP * part], bias if start == 0 else 0 * bias


def _skipping(matrix: Array, bias: Array, stored: Encoded) -> _Form | None:
    """The form that multiplies by the words that are not zero; None where that does not pay."""
    words = weight_words(matrix, len(matrix))
    kept = None if words is None else kept_of_vectors(words, stored)
    if words is None or kept is None:
        return None
    start = wrapped(256 * bias - offsets(words))
    kernel, scratch = "fully_connected_kept_dsp", 2 * words.shape[1]
    return _Form(kernel, kept.weights, start, scratch, kept.share)


def _large(matrix: Array, bias: Array, stored: Encoded) -> _Form | None:
    """The form for large layers: fast code."""
    if not stored.buffered:
        return _in_place(matrix, bias, "fully_connected_dsp", BLOCK)
    # Weights that are mostly zeros, or entropy coded, may be worth more than speed.
    if stored.size < SMALLER * matrix.size / 2:
        return None
    return _looked_up(matrix, bias, "fully_connected_codebook_dsp", BLOCK)


def _small(matrix: Array, bias: Array, stored: Encoded) -> _Form | None:
    """The form for small layers: compact code."""
    words = _in_place(matrix, bias, "fully_connected_small_dsp", 1)
    pairs = _looked_up(matrix, bias, "fully_connected_small_codebook_dsp", 1)
    if words is None or pairs is None or not stored.buffered:
        return words
    found = codecs()[NIBBLES].encode(pairs.weights)
    return pairs if found and found.size + LOOK_UP < words.weights.values.size else words


def _in_place(matrix: Array, bias: Array, kernel: str, block: int) -> _Form | None:
    """Weights as words that are multiplied in place."""
    words = weight_words(matrix, len(matrix))
    if words is None:
        return None
    values = interleaved(words, block).reshape(len(words), -1)
    weights = Weights(values, len(values), codecs=("dense",))
    return _Form(kernel, weights, wrapped(256 * bias - offsets(words)))


def _in_parts(matrix: Array, bias: Array, part: int) -> _Form | None:
    """Words that are multiplied in place, and a start for each part of an output."""
    found = _in_place(matrix, bias, "fully_connected_dsp", BLOCK)
    if found is None:
        return None
    starts = []
    for each, first in _parts(matrix, bias, part):
        words = weight_words(each, len(each))
        if words is None:
            return None
        starts.append(wrapped(256 * first - offsets(words)))
    return replace(found, start=np.concatenate(starts))


def _looked_up(matrix: Array, bias: Array, kernel: str, block: int) -> _Form | None:
    """Weights as pairs of indices. Padding weights are arbitrary: their activations are zero."""
    filled = np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % GROUP)), constant_values=matrix.flat[0])
    order = filled.reshape(len(filled), -1, GROUP)[:, :, PAIRS].reshape(len(filled), -1)
    values = interleaved(order.astype(np.int8), block).reshape(len(filled), -1)
    weights = indices_of(values)
    if weights is None:
        return None
    return _Form(kernel, weights, wrapped(256 * bias), PAIR_TABLE)
