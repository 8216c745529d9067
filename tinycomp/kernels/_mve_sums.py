"""Constants of MVE kernels that round twice, in the order of firmware/kernels/armv8_1m_mve/mve.h."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir import Array, KernelCall, Weights
from tinycomp.kernels._dsp_sums import Sums, sums_of

BLOCK = 16
"""Channels whose sums become int8 together."""


def vector_sums(call: KernelCall) -> Sums | None:
    """The channels as they are, where no factor shifts to the left; others have to be constant, and
    lose their weights. None where they are not.
    """
    right = -np.asarray(call.fields["shift"], np.int64)
    fits = (right >= 1) & (right < 32)
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    bias, multiplier = (np.asarray(call.fields[name], np.int64) for name in ("bias", "multiplier"))
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


def with_values(call: KernelCall, values: Array, block: int) -> Weights:
    """The call's weights with other values, of which a kernel reads a block at a time."""
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    return replace(weights, values=values.astype(np.int8), block=block)


def factors(sums: Sums) -> dict[str, Array]:
    """The members multiplier and shift of a kernel's struct."""
    return {
        "multiplier": _filled(sums.multiplier).astype(np.int32),
        "shift": _filled(-sums.shift).astype(np.int8),
    }


def _filled(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number a channel, as VLD4 takes channels apart; zeros for those that fill a block."""
    blocks = np.pad(values, (0, -len(values) % BLOCK)).reshape(-1, 4, 4)
    return blocks.transpose(0, 2, 1).reshape(-1)
