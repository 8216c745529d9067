"""Sums of MAC16 kernels: activations plus 128, and no bias."""

from __future__ import annotations

import numpy as np

from tinycomp.ir.fixed_point import requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.kernels._dsp_sums import Sums, integer, reach
from tinycomp.kernels._mac16_line import Integers, Lines, lines

OFFSET = 128
"""Added to activations."""


def lines_of(call: KernelCall, sums: Sums) -> Lines | None:
    """Requantization of a convolution's sums; None if there is no linear function."""
    offset = sums.bias - OFFSET * sums.weights.sum(axis=1)  # of the true sum
    low, high = (bound - offset for bound in reach(sums.weights, sums.bias))
    zero_point = integer(call, "output_zero_point")
    least, most = integer(call, "activation_min"), integer(call, "activation_max")

    def outputs(found: Integers) -> Integers:
        true = found + offset[:, None]
        scaled = requantize(true, sums.multiplier[:, None], -sums.shift[:, None]) + zero_point
        result: Integers = np.clip(scaled, least, most)
        return result

    slope = sums.multiplier * 2.0 ** -(sums.shift + 31)
    return lines(outputs, low, high, -offset, slope)
