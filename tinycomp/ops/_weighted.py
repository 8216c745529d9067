"""Common to convolutions and dense layers: channel scales, folded biases, exact sums.

The input's zero point is folded into the bias, so that sums are over the stored int8 values and
padding cells are the zero point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import quantize_multiplier, requantize
from tinycomp.ir.kernel_call import Channels, Member, Weights
from tinycomp.ir.operator import Cost
from tinycomp.ir.tensor import Array, Constant, Operands, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._quantized import parameters, requantized
from tinycomp.ops._window import Window

EXACT_FLOAT32 = 1 << 24
"""Sums of integers below this limit are exact in float32, in any order."""
LARGEST_WEIGHT = 127
"""Maximum magnitude of a weight."""
SUM_LIMIT = 1 << 23
"""Sums of 24 bits are below it: those of the fast kernels of most instruction sets."""


def weights_and_bias(operands: Operands) -> tuple[Constant, Constant]:
    """The two constants of a weighted operator."""
    weights, bias = operands.constants
    return weights, bias


def layer_cost(operands: Operands, sums: int, length: int) -> Cost:
    """Cost of an operator with `sums` sums of `length` products."""
    stored = sum(constant.values.size for constant in operands.constants)
    return Cost(macs=sums * length, parameters=stored)


def channel_scales(operands: Operands, channels: int) -> NDArray[np.float64]:
    """input scale * weight scale / output scale for each output channel, in float64."""
    source = parameters(operands.activations[0]).scale
    weights = np.array(parameters(weights_and_bias(operands)[0]).scales, np.float64)
    target = parameters(operands.output).scale
    return np.broadcast_to(source * weights / target, (channels,))


def folded_bias(operands: Operands, matrix: NDArray[np.int8]) -> NDArray[np.int32]:
    """bias[c] - zero point * sum of w[c]; matrix is (channels, weights per channel).

    Raises:
        ModelError: a sum could exceed int32.
    """
    _, bias = weights_and_bias(operands)
    zero_point = parameters(operands.activations[0]).zero_point
    wide = matrix.astype(np.int64)
    folded = bias.values.astype(np.int64) - zero_point * wide.sum(axis=1)
    # Factors above 1 shift sums left before the multiplication: up to twice the factor.
    factors = np.maximum(1.0, 2 * channel_scales(operands, len(matrix)))
    reach = (np.abs(folded) + 128 * np.abs(wide).sum(axis=1)) * factors
    if reach.max(initial=0) >= 1 << 31:
        raise ModelError(
            f"The sums of {operands.output.name!r} can reach {reach.max():.3g}: more than 32 bits.",
            hint="Give the layer fewer inputs or smaller biases, or calibrate it with other data.",
        )
    result: NDArray[np.int32] = folded.astype(np.int32)
    return result


def exact_products(rows: Array, matrix: NDArray[np.int8]) -> NDArray[np.int64]:
    """int8 rows (..., length) times each row of matrix (channels, length), exactly, by BLAS."""
    largest = 128 * int(np.abs(matrix.astype(np.int64)).sum(axis=1).max(initial=0))
    dtype = np.float32 if largest < EXACT_FLOAT32 else np.float64
    left: Array = rows.astype(dtype)
    right: Array = matrix.astype(dtype)
    return (left @ right.T).astype(np.int64)


def requantized_twice(sums: Array, operands: Operands, activation: Activation) -> NDArray[np.int8]:
    """Requantizes sums (..., channels) to int8, for both convolutions."""
    multipliers, shifts = channel_multipliers(operands, sums.shape[-1])
    return requantized(requantize(sums, multipliers, shifts), operands.output, activation)


def channel_multipliers(
    operands: Operands, channels: int
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Multiplier and shift for each output channel."""
    factors = [quantize_multiplier(float(scale)) for scale in channel_scales(operands, channels)]
    multipliers = np.array([factor.multiplier for factor in factors], np.int32)
    return multipliers, np.array([factor.shift for factor in factors], np.int8)


def twice_fields(operands: Operands, weights: Weights, activation: Activation) -> dict[str, Member]:
    """The last fields of both convolutions' structs."""
    target = parameters(operands.output)
    low, high = activation.clamp(target)
    multipliers, shifts = channel_multipliers(operands, len(weights.values))
    return {
        "output_zero_point": target.zero_point,
        "activation_min": low,
        "activation_max": high,
        "weights": weights,
        "constants": Channels(folded_bias(operands, weights.values), shifts, multipliers),
    }


def window_fields(name: str, window: Window) -> dict[str, int]:
    """The window's fields in both convolutions' structs, one byte each.

    Raises:
        ModelError: a number does not fit its byte.
    """
    fields = {
        "kernel_height": window.kernel[0],
        "kernel_width": window.kernel[1],
        "stride_height": window.stride[0],
        "stride_width": window.stride[1],
        "dilation_height": window.dilation[0],
        "dilation_width": window.dilation[1],
        "padding_top": window.padding[0],
        "padding_left": window.padding[1],
    }
    for field, value in fields.items():
        if value > 255:
            raise ModelError(
                f"{name} has {field.replace('_', ' ')} {value}.", expected="Expected at most 255."
            )
    return fields


def require_constants(name: str, weights: Shape, bias: Shape, channels: int, layout: str) -> None:
    """Check the shapes of weights and bias.

    Raises:
        ModelError: they do not have that many output channels, or the wrong number of axes.
    """
    if len(weights) != layout.count(",") + 1 or bias != (channels,):
        raise ModelError(
            f"{name} has weights of shape {weights} and a bias of shape {bias}.",
            expected=(
                f"Expected weights ({layout}) and a bias of one value for each output channel."
            ),
        )
