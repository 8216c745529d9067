"""Fake quantization of activations, rounding exactly as the library does."""

from __future__ import annotations

from typing import Any

from tinycomp.ir.tensor import QuantizationParameters

_HALF = 0.49999997
"""The largest float32 below 1/2: with 1/2 itself, the sum with 0.49999997 would round to 1."""


def fake_quantize(x: Any, parameters: QuantizationParameters) -> Any:
    """Quantize to int8 and dequantize: half away from zero, saturated (docs/numerics.md).

    The gradient is 1 inside the int8 range and 0 where values saturate. Its own gradient, and the
    fewest operations, since each is a pass over all activations: together they took most of a
    training step of a CNN.
    """
    from keras import ops

    scale, zero_point = parameters.scale, parameters.zero_point
    lowest, highest = -128.0 - zero_point, 127.0 - zero_point

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def rounded(values: Any) -> Any:
        steps = values / scale

        def gradient(*given: Any, upstream: Any = None) -> Any:
            above = given[0] if upstream is None else upstream  # PyTorch names it
            middle = (lowest + highest) / 2
            inside = ops.abs(steps - middle) <= (highest - lowest) / 2
            return above * ops.cast(inside, above.dtype)

        whole = ops.floor(ops.clip(steps, max(lowest, 0.0), max(highest, 0.0)) + _HALF)
        if lowest < 0:
            whole += ops.ceil(ops.clip(steps, lowest, min(highest, 0.0)) - _HALF)
        return scale * whole, gradient

    return rounded(x)
