"""SOFTMAX on int16: exponentials and a reciprocal from tables of 513 entries, interpolated."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.int16._form import HIGHEST, LOWEST, UNIT, Form, saturate
from tinycomp.ir.fixed_point import Multiplier, quantize_multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters
from tinycomp.ops._quantized import parameters

_STEPS = 512
_REACH = 10.0
"""Differences to the maximum that the exponentials cover."""
_LONGEST = 1 << 15
"""Values of a vector: exponentials of at most 2^15 add up to less than 2^31."""


@dataclass(frozen=True)
class SoftmaxInt16(Form):
    """Output scale 1/32768."""

    operators: ClassVar[tuple[str, ...]] = ("softmax",)
    fixed: ClassVar[QuantizationParameters | None] = UNIT

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Each vector along the last axis separately."""
        x = inputs[0].astype(np.int64)
        difference = x - x.max(axis=-1, keepdims=True)
        scaled = requantize(difference, *self._scaling(operands)) + HIGHEST
        powers = looked_up(np.clip(scaled, LOWEST, HIGHEST), exponentials())
        total = powers.sum(axis=-1, keepdims=True)
        headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
        fraction = ((total << (headroom - 1)) + (1 << 13)) >> 14
        place = np.clip(fraction - (1 << 15) - (1 << 16), LOWEST, HIGHEST)
        down = 31 - headroom
        half = np.int64(1) << (down - 1)
        share = (powers * looked_up(place, reciprocals()) + half) >> down
        clipped: Array = np.clip(share, 0, HIGHEST)
        return clipped.astype(np.int16)

    def kernel(self, operands: Operands) -> KernelCall:
        """In place: the exponentials take the outputs' places."""
        multiplier, shift = self._scaling(operands)
        shape = operands.output.shape
        fields: dict[str, int | Array] = {
            "width": math.prod(shape[1:-1]),
            "channels": shape[-1],
            "shift": shift,
            "multiplier": multiplier,
            "exponentials": exponentials(),
            "reciprocals": reciprocals(),
        }
        return KernelCall("softmax_int16", fields, in_place=True)

    def _scaling(self, operands: Operands) -> Multiplier:
        """From a difference of inputs to steps of the exponentials' table."""
        target, source = parameters(operands.output), parameters(operands.activations[0])
        if abs(target.scale * 32768 - 1) > 1e-3:
            raise ModelError(
                f"{operands.output.name!r} (softmax) has the scale {target.scale:g}.",
                expected="Expected 1/32768, as the specification of 16-bit activations fixes it.",
            )
        beta = float(np.float32(self.op.beta))
        factor = quantize_multiplier(source.scale * beta / (_REACH / 65535))
        if factor.shift > 14 or operands.output.shape[-1] > _LONGEST:
            raise ModelError(
                f"{operands.output.name!r} (softmax) reads {operands.output.shape[-1]} values of "
                f"scale {source.scale:g}.",
                expected=f"Expected at most {_LONGEST:,} values, of a scale of at most 2 / beta.",
                hint="Calibrate with other data, or split the layer.",
            )
        return factor


def looked_up(x: Array, table: NDArray[np.int16]) -> NDArray[np.int64]:
    """int16 values between the entries of a table, 128 apart."""
    entries = table.astype(np.int64)
    index, offset = 256 + (x >> 7), x & 127
    slope = entries[index + 1] - entries[index]
    found: NDArray[np.int64] = entries[index] + ((slope * offset + 64) >> 7)
    return found


@cache
def exponentials() -> NDArray[np.int16]:
    """e^x from -10 to 0."""
    return _table(np.exp, _REACH / 65535, HIGHEST)


@cache
def reciprocals() -> NDArray[np.int16]:
    """1 / (1 + x) from 0 to 1."""
    return _table(lambda x: 1 / (1 + x), 1 / 65535, LOWEST)


def _table(function: Callable[[Array], Array], scale: float, zero_point: int) -> NDArray[np.int16]:
    """513 values of a function in steps of 2 / 65535, as LiteRT computes them in float64: the
    interpolation's error in the middle of two entries is shared by both.
    """
    low, high = (scale * (x - zero_point) for x in (LOWEST, HIGHEST))
    unit, step = 2.0 / 65535, (high - low) / _STEPS
    inverse = 65536 / (unit * HIGHEST - unit * LOWEST)
    places = low + np.arange(_STEPS) * step
    following = low + np.arange(1, _STEPS + 1) * step
    rounded = _round(function(places) * inverse)
    line = _round((function(following) * inverse + rounded) / 2)
    error = line - _round(function(places + step / 2) * inverse)
    last = _round(function(np.array([high])) * inverse)
    return saturate(np.concatenate([rounded - _round(error / 2), last]))


def _round(x: Array) -> Array:
    """Half away from zero."""
    rounded: Array = np.copysign(np.floor(np.abs(x) + 0.5), x)
    return rounded
