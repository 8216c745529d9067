"""GRUs on int16 for firmware/kernels/armv7e_m/gru_int16_dsp.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.fixed_point import scale_and_round
from tinycomp.ir.kernel_call import Channels, KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.kernels._dsp_recurrent import Rows

LOWER = 16
"""Bits of a multiplier below the 31 that a register holds."""
TRIED = (1, 0, 2, 3, 5, 8, 12)
"""Multipliers, from the factor itself on: one slightly above rounds ties away from zero on both
sides of it."""
_FINE = 22
"""Bits of a double's mantissa below the upper 31."""
_WORD = 1 << 31


def gru_int16(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The DSP kernel's call; None if weights are decoded, if a sum could leave 32 bits, or if a row
    has no multiplier that rounds every sum as LiteRT does.
    """
    if stored is None or stored.buffered:
        return None
    rows, words = Rows.of(call), list[Array]()
    for name, side in rows.sides.items():
        found = _row_words(call, name, side, rows.order)
        if found is None:
            return None
        words.append(found)
    curves = ("sigmoid_shift", "tanh_shift", "sigmoid_multiplier", "tanh_multiplier")
    return KernelCall(
        "gru_int16_dsp",
        {
            **rows.sizes(call),
            **{name: call.fields[name] for name in curves},
            "weights": rows.weights(),
            "rows": np.ascontiguousarray(np.concatenate(words, axis=1)).reshape(-1),
            "table": call.fields["table"],
        },
        scratch=rows.pairs(call) + 32 * rows.state_groups + 8 * rows.input_groups,
        keeps_scratch=True,
    )


def _row_words(
    call: KernelCall, name: str, side: Array, order: NDArray[np.int64]
) -> NDArray[np.int32] | None:
    """Of each row: initial sum; upper bits of the multiplier; its lower bits and the shift."""
    channels, lower = call.fields[f"{name}_rows"], call.fields[f"{name}_lower"]
    assert isinstance(channels, Channels)
    assert isinstance(lower, np.ndarray)
    start = channels.start.astype(np.int64)
    reach = np.abs(start)[order] + 32768 * np.abs(side.astype(np.int64)).sum(axis=1)
    if isinstance(call.fields[f"{name}_upper"], np.ndarray) or reach.max() >= _WORD:
        return None
    mantissas = ((channels.multiplier.astype(np.int64) << _FINE) + lower)[order]
    factors = zip(mantissas.tolist(), channels.low[order].tolist(), reach.tolist(), strict=True)
    found = [multiplier(*each) for each in factors]
    if None in found:
        return None
    return np.column_stack([start[order], np.array(found, np.int64)]).astype(np.int32)


def multiplier(mantissa: int, shift: int, most: int) -> tuple[int, int] | None:
    """Upper bits of a multiplier; lower bits and shift, in one word, with which the kernel rounds
    every sum of at most `most` as LiteRT does with the factor mantissa * 2^(-22 - shift); None if
    there is none.

    Both are step functions, so they agree if every step is at the same sum.
    """
    total = shift - 32
    if not 1 <= total <= 31:
        return None
    factor = float(mantissa) * 2.0 ** (-_FINE - shift)
    sums = _steps(factor, most)
    exact = mantissa >> (_FINE - LOWER)
    for more in TRIED:
        upper = (exact + more + (1 << (LOWER - 1))) >> LOWER
        low = exact + more - (upper << LOWER)
        if upper < _WORD and _agree(sums, factor, upper, low, total):
            return upper, (low << 16) + total
    return None


def _steps(factor: float, most: int) -> NDArray[np.int64]:
    """Positive sums around every step of the output."""
    levels = np.arange(1, min(32768, int(most * factor) + 2))
    first = np.ceil((levels - 0.5) / factor).astype(np.int64)
    near = np.concatenate([first + each for each in (-2, -1, 0, 1)])
    return near[(near > 0) & (near <= most)]


def _agree(sums: NDArray[np.int64], factor: float, upper: int, lower: int, total: int) -> bool:
    for signed in (sums, -sums):
        high = (signed * upper + ((signed * lower) >> LOWER)) >> 32
        found = (high + (1 << (total - 1))) >> total
        wanted = scale_and_round(signed, factor)
        if not np.array_equal(np.clip(found, -32768, 32767), np.clip(wanted, -32768, 32767)):
            return False
    return True
