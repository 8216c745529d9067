"""The operands of convolutions and dense layers: constant weights, and always a bias."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_kinds import QUANTIZE_AGAIN
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Constant, QuantizationParameters, Shape, Tensor, Value
from tinycomp.ops._quantized import parameters

_BIASES = {"float32": np.float32, "int8": np.int32, "int16": np.int64}
"""The type of a bias, by that of the input."""


def weighted_operands(
    kind: type[Operator], values: Sequence[Value], free: Callable[[str], str]
) -> tuple[Tensor, Constant, Constant]:
    """Input, weights and bias; a bias of zeros if there is none.

    Args:
        kind: the operator.
        values: its inputs in the file.
        free: makes an unused name.

    Raises:
        ModelError: weights or bias are computed, of another type, or wrongly quantized.
    """
    if len(values) not in (2, 3):
        raise ModelError(
            f"It has {len(values)} inputs.",
            expected="Expected an input, weights, and perhaps a bias.",
        )
    source, weights = values[:2]
    if not isinstance(source, Tensor) or not isinstance(weights, Constant):
        raise ModelError(
            "It has computed weights, or a constant input.",
            expected="Expected one computed input, and constant weights and bias.",
            hint="Write computed weights as a multiplication of two tensors.",
        )
    if source.dtype != "float32":
        _check_scales(kind, weights)
    else:
        _check_axes(kind, weights)
    bias = values[2] if len(values) > 2 else _zero_bias(kind, source, weights, free)
    wanted = _BIASES[source.dtype]
    if not isinstance(bias, Constant) or bias.values.dtype != wanted:
        raise ModelError(
            f"It has a bias that is not constant {np.dtype(wanted).name}.", hint=QUANTIZE_AGAIN
        )
    if bias.values.ndim != 1:
        channels = weights.shape[kind.weight_axis or 0]
        raise ModelError(
            f"It has a bias of shape {bias.shape}.",
            expected=f"Expected ({channels},): one a channel.",
        )
    return source, weights, bias


def flat_shape(source: Tensor, weights: Constant, options: Any) -> Shape:
    """The input shape of a fully connected layer: rows of as many values as it reads.

    Raises:
        ModelError: the input does not consist of such rows.
    """
    if len(weights.shape) != 2:
        raise ModelError(
            f"It has weights of shape {weights.shape}.",
            expected="Expected two axes: outputs and inputs.",
        )
    length = weights.shape[1]
    if options is not None and options.keepNumDims:
        if source.shape[-1:] != (length,):
            raise ModelError(
                f"It keeps the axes of an input of shape {source.shape}.",
                expected=f"Expected a last axis of {length} values, as its weights read.",
            )
        return source.shape
    if source.size % length:
        raise ModelError(
            f"It reads {length} values at a time from an input of shape {source.shape}.",
            expected=f"Expected a multiple of {length} values.",
        )
    rows = source.size // length
    return (length,) if rows == 1 else (rows, length)


def _check_axes(kind: type[Operator], weights: Constant) -> None:
    """Check that there is an axis of output channels."""
    along = kind.weight_axis or 0
    if along >= len(weights.shape):
        raise ModelError(
            f"It has weights of shape {weights.shape}.",
            expected=f"Expected at least {along + 1} axes.",
        )


def _check_scales(kind: type[Operator], weights: Constant) -> None:
    """Check for int8, symmetric, with one scale per tensor or per output channel."""
    known = weights.quantization
    if weights.values.dtype != np.int8 or known is None:
        raise ModelError(
            f"It has weights of type {weights.values.dtype}"
            f"{' without scales' if known is None else ''}.",
            expected="Expected quantized int8.",
            hint=QUANTIZE_AGAIN,
        )
    if any(known.zero_points):
        raise ModelError(
            "It has weights with a zero point that is not 0.",
            expected="Expected symmetric int8 weights, as the int8 specification wants them.",
            hint=QUANTIZE_AGAIN,
        )
    _check_axes(kind, weights)
    along = kind.weight_axis or 0
    channels = weights.shape[along]
    if known.axis not in (None, along) or len(known.scales) not in (1, channels):
        raise ModelError(
            f"It has weights with {len(known.scales)} scales along axis {known.axis}.",
            expected=(
                f"Expected one for each of {channels} output channels, along axis {along}, or one."
            ),
            hint=QUANTIZE_AGAIN,
        )


def _zero_bias(
    kind: type[Operator], source: Tensor, weights: Constant, free: Callable[[str], str]
) -> Constant:
    """Zeros, with a bias's scales: input scale * weight scale."""
    name, axis = free(f"{weights.name}/bias"), kind.weight_axis or 0
    if source.dtype == "float32":
        return Constant(name, np.zeros(weights.shape[axis], np.float32))
    known = parameters(weights)
    scales = np.float32(parameters(source).scale) * np.array(known.scales, np.float32)
    quantization = QuantizationParameters(
        tuple(float(scale) for scale in scales),
        (0,) * len(scales),
        None if known.axis is None else 0,
    )
    values = np.zeros(weights.shape[axis], _BIASES[source.dtype])
    return Constant(name, values, quantization)
