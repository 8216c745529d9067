"""Factors in double precision, as integers (firmware/kernels/double_product.h)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError

_LOWER_BITS = 22
"""Of the 53 bits of a factor's mantissa, those that the kernel seldom needs."""
_LARGEST_SHIFT = 62


class Mantissas(NamedTuple):
    """The factors (upper + lower * 2^-22) * 2^-shift: double precision, as integers."""

    upper: NDArray[np.int32]
    """31 bits."""
    lower: NDArray[np.int32]
    """22 bits."""
    shift: NDArray[np.int8]
    """To the right."""


def mantissas(name: str, factors: NDArray[np.float64]) -> Mantissas:
    """Factors of the channels of a layer.

    Raises:
        ModelError: a factor is so small that no sum could reach an output other than 0.
    """
    mantissas, exponents = np.frexp(factors)
    whole = np.ldexp(mantissas, 53).astype(np.int64)
    shifts = 53 - _LOWER_BITS - exponents
    if shifts.max(initial=0) > _LARGEST_SHIFT:
        raise ModelError(
            f"The sums of {name!r} are so fine that its output is always 0.",
            expected="Expected at least 2^-31 output steps per step of a sum.",
            hint="Calibrate it with other data.",
        )
    upper, lower = whole >> _LOWER_BITS, whole & ((1 << _LOWER_BITS) - 1)
    return Mantissas(upper.astype(np.int32), lower.astype(np.int32), shifts.astype(np.int8))
