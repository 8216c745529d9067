"""QuantizeLinear and DequantizeLinear of ONNX: the graph stays float, and remembers the parameters
that the file prescribes. Weights that were int8 keep the scales of their steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_file import OnnxNode
from tinycomp.frontend._onnx_views import View
from tinycomp.ir.tensor import Array, QuantizationParameters

_OFFSETS = {"int8": 0, "uint8": 128}
"""By the type of stored values, what int8 is lower by."""
_LARGEST = 127
"""The largest step of a symmetric weight."""


def _linear(call: Call) -> View:
    """The same real values; between quantization and dequantization they lie on 256 steps."""
    x, scale = call.view(), call.required(1, "a scale")
    zero = call.constant(2, "a zero point")
    zero = np.zeros(1, np.uint8) if zero is None else zero
    kind = str(zero.dtype)
    if scale.size != 1 or zero.size != 1 or kind not in _OFFSETS:
        raise call.refusal(
            f"has {scale.size} scales and zero points of type {kind}",
            expected="Expected one scale and zero point of int8 or uint8 for a computed tensor.",
            hint="Quantize activations by tensor, in 8 bits.",
        )
    point = int(zero.reshape(-1)[0]) - _OFFSETS[kind]
    parameters = QuantizationParameters((float(np.float32(scale.reshape(-1)[0])),), (point,))
    call.weaver.rounding[x.name] = parameters
    return x


def dequantized(node: OnnxNode, values: Mapping[str, Any]) -> tuple[Array, Array | None]:
    """The real values of a stored constant; and the scales of its steps if they are symmetric int8.

    The reference of the onnx package lacks the operator's earlier versions.
    """
    stored = np.asarray(values[node.inputs[0]])
    scale, zero, shape = _scale_and_zero(node, values, stored.ndim, stored.dtype)
    centred = stored.astype(np.int64) - zero.astype(np.int64).reshape(shape)
    real = (centred * scale.astype(np.float64).reshape(shape)).astype(np.float32)
    offset = _OFFSETS.get(str(stored.dtype))
    symmetric = offset is not None and bool(np.all(zero == offset))
    inside = symmetric and np.abs(centred).max(initial=0) <= _LARGEST
    return real, scale.ravel() if inside else None


def quantized(node: OnnxNode, values: Mapping[str, Any]) -> Array:
    """The stored values of a real constant."""
    real = np.asarray(values[node.inputs[0]])
    scale, zero, shape = _scale_and_zero(node, values, real.ndim, np.dtype(np.uint8))
    limits = np.iinfo(zero.dtype)
    found = np.rint(real / scale.reshape(shape)) + zero.astype(np.float64).reshape(shape)
    stored: Array = np.clip(found, limits.min, limits.max).astype(zero.dtype)
    return stored


def _scale_and_zero(
    node: OnnxNode, values: Mapping[str, Any], rank: int, kind: np.dtype[Any]
) -> tuple[Array, Array, list[int]]:
    """Scale and zero point, of this type if there is none, and the shape that both broadcast in."""
    if len(node.inputs) < 2 or node.inputs[1] not in values:
        raise ModelError(f"{node.label} has no scale.")
    scale = np.asarray(values[node.inputs[1]])
    named = len(node.inputs) > 2 and node.inputs[2]
    zero = np.asarray(values[node.inputs[2]]) if named else np.zeros_like(scale, kind)
    count, shape = max(scale.size, zero.size), [1] * rank
    if count > 1:
        axis = int(node.attributes.get("axis", 1))
        if scale.ndim > 1 or not -rank <= axis < rank:
            raise ModelError(
                f"{node.label} has scales of shape {scale.shape} for {rank} axes.",
                expected="Expected one scale, or one for each channel of one axis.",
                hint="Quantize weights by tensor or by channel, not by blocks.",
            )
        shape[axis] = -1
    return scale, zero, shape


QUANTIZED: Mapping[str, Reader] = {"DequantizeLinear": _linear, "QuantizeLinear": _linear}
"""By operator."""
