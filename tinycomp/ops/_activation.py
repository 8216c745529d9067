"""Fused activations of TFLite operators: a clamp in the output's int8 domain."""

from __future__ import annotations

from enum import Enum

import numpy as np

from tinycomp.ir.tensor import QuantizationParameters


class Activation(Enum):
    """A fused activation with TFLite's number and its real bounds."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The real lower and upper bound."""
        return {0: (None, None), 1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)}[self.value]

    def clamp(self, output: QuantizationParameters) -> tuple[int, int]:
        """The bounds in the output's int8 domain (TFLite's CalculateActivationRangeQuantized)."""
        low, high = (None if b is None else quantize_bound(b, output) for b in self.bounds)
        return max(-128, -128 if low is None else low), min(127, 127 if high is None else high)


def quantize_bound(real: float, parameters: QuantizationParameters) -> int:
    """A bound in the quantized domain, not clamped: rounded half away from zero in float32, like
    TFLite.
    """
    scaled = float(np.float32(real) / np.float32(parameters.scale))
    return parameters.zero_point + int(np.floor(abs(scaled) + 0.5)) * (1 if scaled >= 0 else -1)
