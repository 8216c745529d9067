"""Axes of a plot: values become places in the units of an SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_TICKS = 5
_CLOSE = 1e-9
"""How far beyond an end, in steps, a tick may lie by rounding."""


@dataclass(frozen=True)
class Frame:
    """A plot's size, with room for the labels of its ticks."""

    width: int = 640
    """Of the whole."""
    height: int = 320
    """Of the whole."""
    left: int = 64
    """Room for labels at the left."""
    bottom: int = 40
    """Room for labels below."""
    margin: int = 32
    """Room at the right."""
    top: int = 12
    """Room above."""

    @property
    def right(self) -> int:
        """The right end of the plot."""
        return self.width - self.margin

    @property
    def foot(self) -> int:
        """The lower end of the plot."""
        return self.height - self.bottom

    def across(self, share: float) -> float:
        """The x of a part of the axis, from 0 to 1."""
        return round(self.left + share * (self.right - self.left), 1)

    def up(self, share: float) -> float:
        """The y of a part of the axis, from 0 to 1."""
        return round(self.foot - share * (self.foot - self.top), 1)


def shares(count: int = _TICKS) -> list[float]:
    """The places of ticks on an axis, from 0 to 1."""
    return [number / (count - 1) for number in range(count)]


def round_ticks(low: float, high: float, most: int = _TICKS) -> list[float]:
    """Round values from `low` to `high`, at most so many, evenly spaced by 1, 2 or 5 times a power
    of ten.
    """
    span = (high - low) or abs(high) or 1.0
    power = math.floor(math.log10(span / most))
    steps = (factor * 10.0**more for more in (power, power + 1) for factor in (1, 2, 5))
    for step in steps:
        first, last = math.ceil(low / step - _CLOSE), math.floor(high / step + _CLOSE)
        if last - first < most:
            return [float(f"{number * step:.12g}") for number in range(first, last + 1)]
    raise AssertionError("a step of a tenth of a power more leaves few ticks")


def ends(values: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis, a little beyond the values."""
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - room, high + room


def two_digits(value: float) -> int:
    """Rounded to two digits."""
    unit = 10 ** max(0, math.floor(math.log10(max(value, 1.0))) - 1)
    return int(round(value / unit) * unit)
