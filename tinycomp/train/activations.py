"""Fake quantization of activations, rounding exactly as the library does."""

from __future__ import annotations

from typing import Any

from tinycomp.ir.tensor import QuantizationParameters


def fake_quantize(x: Any, parameters: QuantizationParameters) -> Any:
    """Quantize to int8 and dequantize: half away from zero, saturated (docs/numerics.md).

    The gradient is 1 inside the int8 range and 0 where values saturate.
    """
    from keras import ops

    scale, zero_point = parameters.scale, parameters.zero_point
    steps = ops.clip(x / scale, -256.0, 256.0)
    whole = ops.trunc(steps)
    rest = steps - whole
    up, down = (ops.cast(each, steps.dtype) for each in (rest >= 0.5, rest <= -0.5))
    rounded = ops.clip(whole + up - down, -128.0 - zero_point, 127.0 - zero_point)
    inside = ops.clip(x, scale * (-128.0 - zero_point), scale * (127.0 - zero_point))
    return inside + ops.stop_gradient(scale * rounded - inside)
