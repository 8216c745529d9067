"""Activations rounded to int8 in training, exactly as the library rounds real input values."""

from __future__ import annotations

from typing import Any

from tinycomp.ir.tensor import QuantizationParameters


def fake_quantize(x: Any, parameters: QuantizationParameters) -> Any:
    """The real values of the nearest int8 ones: half away from zero, saturated (docs/numerics.md).

    The gradient passes where nothing saturates.
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
