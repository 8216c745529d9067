"""Converts tensors and constants of a .tflite to the IR, checking their type and quantization."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_file import FileTensor
from tinycomp.frontend._tflite_kinds import QUANTIZE_AGAIN
from tinycomp.ir.tensor import Constant, QuantizationParameters, Shape, Tensor

_SMALLEST = float(np.finfo(np.float32).tiny)
"""Smaller scales are denormal: fast kernels treat them as zero."""
_ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255)}
"""The range of zero points by type; of others only 0."""
SCALES = (1e-12, 1e12)
"""Range of activation scales: their products and quotients stay within float32."""


def quantization(tensor: FileTensor) -> QuantizationParameters | None:
    """The tensor's parameters; None if it has none.

    Raises:
        ModelError: a scale or zero point is out of range, or they do not fit the shape.
    """
    scales, zeros = tensor.scales, tensor.zero_points
    if not scales:
        return None
    what = f"The tensor {tensor.name!r}"
    bad = [scale for scale in scales if not (np.isfinite(scale) and scale >= _SMALLEST)]
    if bad:
        raise ModelError(
            f"{what} has the quantization scale {bad[0]:g}.",
            expected="Expected positive, finite scales.",
            hint=QUANTIZE_AGAIN,
        )
    if len(zeros) != len(scales):
        raise ModelError(
            f"{what} has {len(scales)} scales and {len(zeros)} zero points.",
            expected="Expected as many of one as of the other.",
            hint=QUANTIZE_AGAIN,
        )
    low, high = _ZERO_POINTS.get(tensor.dtype, (0, 0))
    wrong = [zero for zero in zeros if not low <= zero <= high]
    if wrong:
        raise ModelError(
            f"{what} ({tensor.dtype}) has the zero point {wrong[0]}.",
            expected=f"Expected {low} to {high}."
            if high
            else "Expected 0: 16-bit activations are symmetric."
            if tensor.dtype == "int16"
            else "Expected 0.",
            hint=QUANTIZE_AGAIN,
        )
    return QuantizationParameters(scales, zeros, _axis(tensor, what))


def _axis(tensor: FileTensor, what: str) -> int | None:
    """The quantized axis, if there is more than one scale."""
    count, shape = len(tensor.scales), tensor.shape
    if count == 1:
        return None
    if not 0 <= tensor.axis < len(shape):
        raise ModelError(
            f"{what} of shape {shape} is quantized along axis {tensor.axis}.",
            expected="Expected one of its axes.",
            hint=QUANTIZE_AGAIN,
        )
    if shape[tensor.axis] != count:
        raise ModelError(
            f"{what} of shape {shape} has {count} scales along axis {tensor.axis}.",
            expected=f"Expected {shape[tensor.axis]}, or one for the whole tensor.",
            hint=QUANTIZE_AGAIN,
        )
    return tensor.axis


def allowed(dtype: str) -> tuple[str, ...]:
    """Types of activations in a file whose layers are "int8" (integers) or "float32"."""
    return ("int8", "int16") if dtype == "int8" else (dtype,)


def activation(tensor: FileTensor, shape: Shape, dtype: str = "int8") -> Tensor:
    """A computed tensor or the input, in the IR's shape (without the batch).

    Args:
        tensor: of the file.
        shape: in the IR.
        dtype: the kind of the file's layers: "int8" (integers) or "float32".

    Raises:
        ModelError: it has another type, or is int8 without its own scale and zero point.
    """
    if tensor.dtype not in allowed(dtype):
        raise ModelError(
            f"The tensor {tensor.name!r} is {tensor.dtype}.",
            expected=f"Expected {' or '.join(allowed(dtype))}, but for conversions at the "
            "model's input and "
            "output.",
            hint=QUANTIZE_AGAIN,
        )
    if dtype == "float32":
        return Tensor(tensor.name, shape, dtype)
    known = quantization(tensor)
    if known is None or len(known.scales) != 1:
        raise ModelError(
            f"The tensor {tensor.name!r} has no scale and zero point.",
            hint=QUANTIZE_AGAIN,
        )
    require_scale(tensor.name, known.scale)
    return Tensor(tensor.name, shape, tensor.dtype, known)


def require_scale(name: str, scale: float) -> None:
    """Check the scale of a whole tensor.

    Raises:
        ModelError: it is so small or large that factors derived from it exceed float32.
    """
    low, high = SCALES
    if not low <= scale <= high:
        raise ModelError(
            f"The tensor {name!r} has the quantization scale {scale:g}.",
            expected=f"Expected {low:g} to {high:g}.",
            hint="Calibrate with data that makes this tensor other than zero.",
        )


def constant(tensor: FileTensor, dtype: str = "int8") -> Constant:
    """Values known at build time, with their quantization.

    Args:
        tensor: of the file.
        dtype: the type of the file's layers: "int8" or "float32".

    Raises:
        ModelError: they are of a type that no such layer supports.
    """
    assert tensor.values is not None
    if tensor.dtype not in (*allowed(dtype), "int32", "int64"):
        raise ModelError(
            f"The constant {tensor.name!r} is {tensor.dtype}.",
            expected="Expected int8 weights and int32 biases."
            if dtype == "int8"
            else f"Expected {dtype}.",
            hint=_OTHER_TYPES.get(tensor.dtype, QUANTIZE_AGAIN),
        )
    known = quantization(tensor) if dtype == "int8" else None
    return Constant(tensor.name, tensor.values, known)


_OTHER_TYPES = {
    "uint8": "uint8 weights are the legacy format: quantize the float model again. "
    + QUANTIZE_AGAIN,
    "int4": "tinycomp packs weights itself: export them as int8.",
}


def ir_shape(shape: Sequence[int]) -> Shape:
    """TFLite's shape in the IR: without a leading 1, the batch; one value has one axis.

    A tensor with another first axis keeps all axes: the converter put rows in place of the batch,
    for a dense layer on each.
    """
    return (tuple(shape[1:]) if len(shape) and shape[0] == 1 else tuple(shape)) or (1,)


def first_shape(tensor: FileTensor) -> Shape:
    """The model's full input shape; an open batch is 1.

    Raises:
        ModelError: another size is open, or the batch is larger than 1.
    """
    opened = any(size < 0 for size in tensor.signature[1:])
    shape = tensor.shape
    if opened or not shape or shape[0] != 1:
        raise ModelError(
            f"The tensor {tensor.name!r} has the shape {tensor.signature if opened else shape}.",
            expected="Expected a fixed shape that starts with a batch of 1.",
            hint="Convert the model with a fixed input shape and a batch size of 1.",
        )
    return shape
