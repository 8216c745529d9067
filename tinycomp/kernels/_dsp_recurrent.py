"""GRUs and LSTMs for firmware/kernels/armv7e_m/gru_dsp.h and lstm_dsp.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import Channels, KernelCall, Member, Weights
from tinycomp.ir.tensor import Array, Operands
from tinycomp.kernels._dsp_sums import integer, reach
from tinycomp.kernels._dsp_words import interleaved

ROWS = 4
"""Rows of the weights that share each activation."""
GROUP = 4
"""Weights per word."""
LEAST_SHIFT, MOST_SHIFT = 33, 62
"""Right shift of the product of sum and multiplier: what is left of its high word."""
_KEPT = ("reset_after", "masked", "mask_zero", "start")
"""Members of the portable kernel's struct that stay."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a GRU's weights, both gates' and the candidates' in whole blocks."""

    order: NDArray[np.int64]
    """Numbers of the rows."""
    sides: dict[str, NDArray[np.int8]]
    """Weights of the "input" and of the "state"."""
    units: int
    """Of the layer."""

    @classmethod
    def of(cls, call: KernelCall) -> Rows:
        """Of the portable kernel's call."""
        inputs, units = integer(call, "inputs"), integer(call, "units")
        weights = call.fields["weights"]
        assert isinstance(weights, Weights)
        padded = len(weights.values) - units + -(-units // ROWS) * ROWS
        order = np.minimum(np.arange(padded), len(weights.values) - 1)
        matrix = weights.values[order]
        return cls(order, {"input": matrix[:, :inputs], "state": matrix[:, inputs:]}, units)

    @property
    def input_groups(self) -> int:
        """Groups of a row of the input."""
        inputs: int = self.sides["input"].shape[1]
        return -(-inputs // GROUP)

    @property
    def state_groups(self) -> int:
        """Groups of a state."""
        return -(-self.units // GROUP)

    def sizes(self, call: KernelCall) -> dict[str, Member]:
        """The first members of the struct."""
        return {
            "inputs": call.fields["inputs"],
            "units": self.units,
            "input_groups": self.input_groups,
            "state_groups": self.state_groups,
            "gate_blocks": len(self.order) // ROWS - self.state_groups,
            **{name: call.fields[name] for name in _KEPT},
        }

    def weights(self) -> Weights:
        """Words of the rows of each block, in turn."""
        values = np.concatenate([_filled(side) for side in self.sides.values()], axis=1)
        matrix = interleaved(values, ROWS).reshape(len(values), -1)
        return Weights(matrix, len(values), codecs=("dense",))

    def pairs(self, call: KernelCall) -> int:
        """Bytes of activations in pairs."""
        states = 1 if integer(call, "reset_after") else 2
        return 8 * (self.input_groups + self.state_groups * states)


def gru(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The DSP kernel's call; None if weights are decoded, or if a row has no multiplier with one
    shift for all that rounds every sum as LiteRT does.
    """
    if stored is None or stored.buffered:
        return None
    rows = Rows.of(call)
    words, shifts = [], []
    for name, side in rows.sides.items():
        found = _row_words(call, name, side, rows.order)
        if found is None:
            return None
        shift, of_rows = found
        shifts.append(shift)
        words.append(of_rows)
    sigmoid, tanh = call.fields["sigmoid"], call.fields["tanh"]
    assert isinstance(sigmoid, np.ndarray)
    values_size = 16 * rows.state_groups + 4 * rows.input_groups
    return KernelCall(
        "gru_dsp",
        {
            **rows.sizes(call),
            "input_shift": shifts[0] - 32,
            "state_shift": shifts[1] - 32,
            "weights": rows.weights(),
            "rows": np.ascontiguousarray(np.concatenate(words, axis=1)).reshape(-1),
            "sigmoid": (sigmoid.astype(np.int16) + 128).astype(np.uint8),
            "tanh": tanh,
        },
        scratch=rows.pairs(call) + values_size,
        keeps_scratch=True,
    )


def lstm(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The DSP kernel's call; None if weights are decoded, units are not whole blocks, or sums
    exceed its bounds.
    """
    inputs, units = integer(call, "inputs"), integer(call, "units")
    if stored is None or stored.buffered or units % ROWS:
        return None
    weights, shifts = call.fields["weights"], call.fields["shifts"]
    assert isinstance(weights, Weights)
    assert isinstance(shifts, np.ndarray)
    sides = (weights.values[:, :inputs], weights.values[:, inputs:])
    if shifts.max() > 0 or not all(
        _is_small(side, call.fields[name])
        for side, name in zip(sides, ("biases", "state_biases"), strict=True)
    ):
        return None
    values = np.concatenate([_filled(side) for side in sides], axis=1)
    matrix = interleaved(values, ROWS).reshape(len(values), -1)
    fields = {**call.fields, "weights": Weights(matrix, len(values), codecs=("dense",))}
    pairs, padded = 2 * values.shape[1], values.shape[1] - units
    return KernelCall("lstm_dsp", fields, scratch=pairs + 11 * units + padded, keeps_scratch=True)


def _is_small(side: Array, biases: object) -> bool:
    """Whether twice every row's sum fits in 32 bits; biases: 0 for none."""
    assert isinstance(biases, (int, np.ndarray))
    low, high = reach(side.astype(np.int64), np.asarray(biases, np.int64))
    return bool(max(-low.min(), high.max()) < 1 << 30)


def _filled(side: Array) -> NDArray[np.int8]:
    """Rows padded with zeros to groups."""
    return np.pad(side, ((0, 0), (0, -side.shape[1] % GROUP)))


def _row_words(
    call: KernelCall, name: str, side: Array, order: NDArray[np.int64]
) -> tuple[int, NDArray[np.int32]] | None:
    """The shift of all rows; initial sum and multiplier of each."""
    channels = call.fields[f"{name}_rows"]
    assert isinstance(channels, Channels)
    if isinstance(call.fields[f"{name}_extension"], np.ndarray):
        return None
    start = channels.start.astype(np.int64)[order]
    low, high = reach(side.astype(np.int64), start)
    shift = 31 - int(channels.low.max())
    if not LEAST_SHIFT <= shift <= MOST_SHIFT:
        return None
    factors = zip(
        channels.multiplier[order].tolist(), channels.low[order].tolist(), low.tolist(),
        high.tolist(), strict=True,
    )  # fmt: skip
    found = [_at_shift(shift, *each) for each in factors]
    if None in found:
        return None
    return shift, np.stack([start, np.array(found, np.int64)], axis=1).astype(np.int32)


def _at_shift(total: int, multiplier: int, left: int, low: int, high: int) -> int | None:
    """The multiplier with which (sum * it + 2^(total - 1)) >> total, clamped to int8, is what the
    portable kernel computes, for every sum from low to high; None if there is none.

    Both are step functions, so they agree if every step is at the same sum.
    """
    shift = 31 - left
    level = np.arange(-127, 128)
    half = 1 << (shift - 1)
    nearest = (multiplier + ((1 << (shift - total)) >> 1)) >> (shift - total)
    for candidate in (nearest, nearest + 1, nearest - 1):
        if not 0 < candidate < 1 << 31:
            continue
        step = -(-((level << total) - (1 << (total - 1))) // candidate)
        at, before = np.clip(step, low, high), np.clip(step - 1, low, high)
        reached = ((at * multiplier + half) >> shift) >= level
        missed = ((before * multiplier + half) >> shift) < level
        if np.all((reached | (step > high)) & (missed | (step <= low))):
            return int(candidate)
    return None
