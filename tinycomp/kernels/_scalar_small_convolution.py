"""CONV_2D for firmware/kernels/scalar/conv_2d_small_scalar.h."""

from __future__ import annotations

import numpy as np

from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.kernels._dsp_sums import Sums, integer
from tinycomp.kernels._scalar_depthwise import fits, starts_and_factors
from tinycomp.kernels._scalar_words import GROUP

PIXELS = 4
"""Output pixels computed together."""
WORD = 4
"""Bytes of an expanded activation."""
FEWEST, MOST = 48, 128
"""Weights per window: enough to be worth the kernel's code, few enough for its scratch."""
_CONSTANTS = ("weights", "constants")


def small_convolution(call: KernelCall, sums: Sums) -> KernelCall | None:
    """The call of the kernel for windows with fewer channels than a word; None if there are too few
    or too many weights, or values exceed its bounds.

    Pairs of products of large weights, as in conv_2d_scalar.h, rarely fit into halves of words:
    computing them one by one is faster, but takes more scratch.
    """
    length = sums.weights.shape[1]
    if integer(call, "input_channels") >= GROUP or not FEWEST <= length <= MOST:
        return None
    if not fits(sums):
        return None
    values = np.pad(sums.weights, ((0, 0), (0, length % 2))).astype(np.int8)
    fields = {name: value for name, value in call.fields.items() if name not in _CONSTANTS}
    fields |= {
        "length": values.shape[1],
        "weights": Weights(values, len(values), codecs=("dense",)),
        "factors": starts_and_factors(sums).words,
    }
    scratch = PIXELS * WORD * values.shape[1]
    return KernelCall("conv_2d_small_scalar", fields, scratch=scratch, tile=PIXELS)
