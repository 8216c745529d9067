"""Real bounds of a tensor, and the parameters that cover them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinycomp.ir.tensor import QuantizationParameters

LEVELS = 255
"""Steps from the lowest to the highest int8 value."""


class Range(NamedTuple):
    """Real bounds of a tensor, low <= 0 <= high: zero is represented exactly."""

    low: float
    """At most 0."""
    high: float
    """At least 0."""

    @classmethod
    def of(cls, low: float, high: float) -> Range:
        """The bounds, widened to include zero."""
        return cls(min(0.0, float(low)), max(0.0, float(high)))

    @classmethod
    def covered_by(cls, parameters: QuantizationParameters, dtype: str = "int8") -> Range:
        """The bounds of a type with these parameters."""
        bounds = np.iinfo(dtype)
        ends = (int(bounds.min), int(bounds.max))
        low, high = (parameters.scale * (q - parameters.zero_point) for q in ends)
        return cls(low, high)

    @property
    def width(self) -> float:
        """high - low."""
        return self.high - self.low

    @property
    def magnitude(self) -> float:
        """The largest absolute value."""
        return max(-self.low, self.high)

    def union(self, other: Range) -> Range:
        """The smallest range that contains both."""
        return Range(min(self.low, other.low), max(self.high, other.high))

    def limited(self, limit: float | None) -> Range:
        """The range, cut at the limit."""
        return self if limit is None else Range(self.low, min(self.high, max(limit, 0.0)))

    def widened(self, width: float) -> Range:
        """The range, at least that wide, by a higher upper bound."""
        return Range(self.low, max(self.high, self.low + width))

    def parameters_of(self, dtype: str, centred: bool = False) -> QuantizationParameters:
        """One scale (a float32 value) and zero point of that type; width must not be 0. On int16,
        and where `centred`, the zero point is 0.
        """
        if dtype == "int16" or centred:
            most = int(np.iinfo(dtype).max)
            return QuantizationParameters((float(np.float32(self.magnitude / most)),), (0,))
        return self.parameters

    @property
    def parameters(self) -> QuantizationParameters:
        """One scale (a float32 value) and zero point of int8; width must not be 0."""
        scale = float(np.float32(self.width / LEVELS))
        zero_point = round(-128 - self.low / scale)
        return QuantizationParameters((scale,), (min(max(zero_point, -128), 127),))
