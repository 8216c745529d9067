"""Channels of MVE kernels that round twice."""

from __future__ import annotations

import numpy as np

from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Array
from tinycomp.kernels._dsp_sums import Sums, channels_of, sums_of, wide


def vector_sums(call: KernelCall) -> Sums | None:
    """The channels, unchanged if their factors are below one half; others must be constant, and get
    zero weights. None if they are not.
    """
    bias, left, multiplier = wide(channels_of(call))
    right = -left
    fits = (right >= 1) & (right < 32)
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    sums = Sums(weights.values.astype(np.int64), bias, multiplier, right)
    if fits.all():
        return sums
    constant = sums_of(call)
    if constant is None:
        return None
    return Sums(
        np.where(fits[:, None], sums.weights, constant.weights),
        np.where(fits, sums.bias, constant.bias),
        np.where(fits, sums.multiplier, constant.multiplier),
        np.where(fits, sums.shift, constant.shift),
    )


def factors(sums: Sums, multiple: int = 1) -> dict[str, Array]:
    """The last members of a kernel's struct, filled up to a multiple of so many channels."""
    more = -len(sums.bias) % multiple
    return {
        "bias": np.pad(sums.bias, (0, more)).astype(np.int32),
        "multiplier": np.pad(sums.multiplier, (0, more)).astype(np.int32),
        "shift": np.pad(-sums.shift, (0, more)).astype(np.int8),
    }
