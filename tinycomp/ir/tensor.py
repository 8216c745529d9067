"""Tensors and constants: what nodes read and write.

Shapes leave the batch dimension out. Activations are height, width, channels (or fewer axes), as in
TFLite. Weights keep TFLite's layouts: convolution (out, height, width, in), depthwise (1, height,
width, channels), fully connected (out, in).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Array = NDArray[Any]


@dataclass(frozen=True)
class QuantizationParameters:
    """real = scale * (quantized - zero_point), per tensor or per slice along an axis."""

    scales: tuple[float, ...]
    """float32 values: one, or one per slice."""
    zero_points: tuple[int, ...]
    """As many as scales."""
    axis: int | None = None
    """The axis of the slices; None for per-tensor quantization."""

    @property
    def scale(self) -> float:
        """The one scale of a tensor that is not quantized along an axis."""
        (scale,) = self.scales
        return scale

    @property
    def zero_point(self) -> int:
        """The one zero point of a tensor that is not quantized along an axis."""
        (zero_point,) = self.zero_points
        return zero_point


def dequantize_values(quantized: Array, parameters: QuantizationParameters) -> NDArray[np.float32]:
    """Real values, float32; per-slice scales are broadcast along the axis of the parameters."""
    scales = np.asarray(parameters.scales, np.float32)
    zeros = np.asarray(parameters.zero_points, np.int64)
    if parameters.axis is not None:
        shape = [1] * quantized.ndim
        shape[parameters.axis] = -1
        scales, zeros = scales.reshape(shape), zeros.reshape(shape)
    real: NDArray[np.float32] = (quantized - zeros).astype(np.float32) * scales
    return real


@dataclass(frozen=True)
class Tensor:
    """An activation: written by a node, or provided by the caller."""

    name: str
    """Unique in its graph."""
    shape: Shape
    """Without the batch axis."""
    dtype: str = "float32"
    """NumPy's name: "float32", "int8", "int16"."""
    quantization: QuantizationParameters | None = None
    """None for a float tensor."""

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return int(np.dtype(self.dtype).itemsize)

    @property
    def nbytes(self) -> int:
        """The number of bytes."""
        return self.size * self.itemsize


@dataclass(frozen=True, eq=False)
class Constant:
    """Values known at build time: weights and biases."""

    name: str
    """Unique in its graph."""
    values: Array
    """float32, int8 or int16 (weights and operands), int32 or int64 (biases)."""
    quantization: QuantizationParameters | None = None
    """Of an integer constant; None for a float one."""
    codebook: NDArray[np.int8] | None = None
    """(groups, entries), set by clustering: slice g of the first axis (output channels; channels
    for depthwise) takes only the values of group g. A single group serves the whole tensor.
    """
    grid: QuantizationParameters | None = None
    """Of float weights that were trained on an int8 grid: quantization keeps it."""

    @property
    def shape(self) -> Shape:
        """The shape of the values."""
        return tuple(self.values.shape)


Value = Tensor | Constant


@dataclass(frozen=True)
class Operands:
    """The inputs and outputs of a node, resolved: the arguments of an operator's methods."""

    inputs: tuple[Value, ...]
    """Tensors and constants in the order in which the operator reads them."""
    outputs: tuple[Tensor, ...]
    """The tensors that the operator writes."""

    @property
    def activations(self) -> tuple[Tensor, ...]:
        """The inputs that are computed, in order."""
        return tuple(value for value in self.inputs if isinstance(value, Tensor))

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The inputs that are known at build time, in order."""
        return tuple(value for value in self.inputs if isinstance(value, Constant))

    @property
    def output(self) -> Tensor:
        """The one output."""
        (output,) = self.outputs
        return output
