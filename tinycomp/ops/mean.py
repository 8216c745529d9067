"""MEAN over height and width: global average pooling. Divides by its factor; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.fixed_point import Multiplier, requantize
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._factor import bounded_multiplier
from tinycomp.ops._quantized import parameters, requantized
from tinycomp.ops._reduction import position_axes, positions, read_keep_dims, reduced_shape
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class Mean(Operator):
    """Mean over all positions of each channel."""

    name: ClassVar[str] = "mean"
    tflite_names: ClassVar[tuple[str, ...]] = ("MEAN",)
    keras_names: ClassVar[tuple[str, ...]] = ("GlobalAveragePooling2D",)

    keep_dims: bool = False

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(channels,), or with axes of 1 in front."""
        return reduced_shape("A mean", inputs, self.keep_dims)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """Input rows are what the kernel counts."""
        return first, last

    def output_range(self, operands: Operands) -> OutputRange:
        """Free."""
        return OutputRange()

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Sums without zero points, rescaled."""
        (x,) = inputs
        height, width, _ = positions(operands)
        source = parameters(operands.activations[0])
        sums = x.sum(axis=tuple(range(1, x.ndim - 1)), dtype=np.int64)
        sums -= source.zero_point * height * width
        y = requantized(requantize(sums, *_factor(operands)), operands.output, Activation.NONE)
        return y.reshape(len(x), *operands.output.shape)

    def kernel(self, operands: Operands) -> KernelCall:
        """Sums in scratch, int32."""
        height, width, channels = positions(operands)
        factor = _factor(operands)
        source, target = parameters(operands.activations[0]), parameters(operands.output)
        fields = {
            "height": height,
            "width": width,
            "channels": channels,
            "offset": -source.zero_point * height * width,
            "multiplier": factor.multiplier,
            "shift": factor.shift,
            "zero_point": target.zero_point,
        }
        return KernelCall("mean", fields, scratch=4 * channels, input_rows=True)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Mean:
        """Axes are a constant input.

        Raises:
            ModelError: it is not a mean over all positions of each channel.
        """
        return cls(read_keep_dims(name, options, operands))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Global pooling, with or without the axes that it sums up."""
        return builder.add(cls(bool(layer.config.get("keepdims", False))), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """MEAN; version 2 has int8."""
        options = schema.ReducerOptionsT(self.keep_dims)
        extra = (position_axes(operands),)
        return TfliteOperator("MEAN", "ReducerOptions", options, extra, version(operands, 2))


def _factor(operands: Operands) -> Multiplier:
    """input scale / output scale / positions: LiteRT divides the integer multiplier, truncating."""
    height, width, _ = positions(operands)
    source, target = parameters(operands.activations[0]), parameters(operands.output)
    multiplier, shift = bounded_multiplier(source.scale / target.scale, 9, operands)
    count = height * width
    raised = min((count).bit_length() - 1, 32, 31 + shift)
    return Multiplier((multiplier << raised) // count, shift - raised)
