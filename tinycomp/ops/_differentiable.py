"""Common functions of differentiable forms, on Keras tensors, in keras.ops for any backend.

Keras takes seconds to import, so each function imports it separately.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd
from typing import Any

import numpy as np

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Operands, QuantizationParameters, Tensor
from tinycomp.ops._activation import Activation
from tinycomp.ops._broadcast import aligned
from tinycomp.ops._window import Pair, Window

Convolution = Callable[..., Any]

_HALF = 0.49999997
"""The largest float32 below 1/2: with 1/2 itself, the sum with 0.49999997 would round to 1."""


def activated(x: Any, activation: Activation) -> Any:
    """The tensor clamped to the bounds of a fused activation."""
    from keras import ops

    low, high = activation.bounds
    if high is None:
        return x if low is None else ops.relu(x)
    return ops.clip(x, low, high)


def side_by_side(operands: Operands, inputs: Sequence[Any]) -> list[Any]:
    """The inputs of a broadcasting operator, each with as many axes as the output."""
    from keras import ops

    rank = len(operands.output.shape)
    return [
        ops.reshape(x, ((-1,) if isinstance(value, Tensor) else ()) + aligned(value.shape, rank))
        for value, x in zip(operands.inputs, inputs, strict=True)
    ]


def bordered(images: Any, window: Window, value: float) -> Any:
    """Images with the window's padding of a given value."""
    from keras import ops

    top, left, bottom, right = window.padding
    if not any(window.padding):
        return images
    borders = ((0, 0), (top, bottom), (left, right), (0, 0))
    return ops.pad(images, borders, "constant", value)


def convolved(
    images: Any, kernel: Any, window: Window, size: Pair, convolution: Convolution
) -> Any:
    """A convolution with explicit padding, any strides and dilation.

    Args:
        images: (batch, height, width, channels).
        kernel: in the layout of `convolution`.
        window: the sliding window.
        size: height and width of the images.
        convolution: keras.ops.conv or depthwise_conv. Not every backend takes strides with a
            dilation, or two different strides for depthwise; of a finer stride that each takes, the
            outputs between are left out then.
    """
    step = 1 if max(window.dilation) > 1 else gcd(*window.stride)
    skip = window.stride[0] // step, window.stride[1] // step
    named = skip == (1, 1) and window.scheme(size) == "SAME"
    found = convolution(
        images if named else bordered(images, window, 0.0),
        kernel,
        strides=step,
        padding="same" if named else "valid",
        data_format="channels_last",
        dilation_rate=window.dilation,
    )
    return found if skip == (1, 1) else found[:, :: skip[0], :: skip[1]]


def chained(x: Any, chain: Sequence[TfliteOperator]) -> Any:
    """A function that float builtins of TFLite compute, each of the output of the one before.

    Raises:
        NotImplementedError: a builtin has no counterpart here.
    """
    source = x
    for link in chain:
        second: Any = [source] if link.reads is not None else []
        second += [float(np.ravel(values)[0]) for values in link.extra]
        x = _builtin(link)(x, *second)
    return x


def _builtin(link: TfliteOperator) -> Convolution:
    from keras import ops

    known: dict[str, Convolution] = {
        "ABS": ops.abs,
        "ADD": ops.add,
        "CEIL": ops.ceil,
        "COS": ops.cos,
        "ELU": ops.elu,
        "EXP": ops.exp,
        "FLOOR": ops.floor,
        "LEAKY_RELU": lambda x: ops.leaky_relu(x, link.options.alpha),
        "LOG": ops.log,
        "LOGISTIC": ops.sigmoid,
        "MAXIMUM": ops.maximum,
        "MINIMUM": ops.minimum,
        "MUL": ops.multiply,
        "NEG": ops.negative,
        "RELU": ops.relu,
        "RELU6": ops.relu6,
        "RELU_N1_TO_1": lambda x: ops.clip(x, -1.0, 1.0),
        "ROUND": ops.round,
        "RSQRT": ops.rsqrt,
        "SIGN": ops.sign,
        "SIN": ops.sin,
        "SQRT": ops.sqrt,
        "SQUARE": ops.square,
        "TANH": ops.tanh,
    }
    if link.builtin not in known:
        raise NotImplementedError(f"{link.builtin} has no differentiable form")
    return known[link.builtin]


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
    def stepwise(values: Any) -> Any:
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

    return stepwise(x)


def rounded(x: Any, parameters: QuantizationParameters | None) -> Any:
    """The tensor as training computes it: rounded to int8, or unchanged without parameters."""
    return x if parameters is None else fake_quantize(x, parameters)
