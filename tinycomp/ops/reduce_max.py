"""REDUCE_MAX over height and width: global max pooling. Keeps scale and zero point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._reduction import position_axes, positions, read_keep_dims, reduced_shape
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class ReduceMax(Operator):
    """Maximum over all positions of each channel."""

    name: ClassVar[str] = "reduce_max"
    tflite_names: ClassVar[tuple[str, ...]] = ("REDUCE_MAX",)
    keras_names: ClassVar[tuple[str, ...]] = ("GlobalMaxPooling2D",)

    keep_dims: bool = False

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(channels,), or with axes of 1 in front."""
        return reduced_shape("A maximum", inputs, self.keep_dims)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """Input rows are what the kernel counts."""
        return first, last

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The maximum of the stored values."""
        (x,) = inputs
        require_tied(self.name, operands)
        maxima: Array = x.max(axis=tuple(range(1, x.ndim - 1)))
        return maxima.reshape(len(x), *operands.output.shape)

    def kernel(self, operands: Operands) -> KernelCall:
        """Maxima in scratch."""
        require_tied(self.name, operands)
        height, width, channels = positions(operands)
        fields = {"height": height, "width": width, "channels": channels}
        return KernelCall("reduce_max", fields, scratch=channels, input_rows=True)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> ReduceMax:
        """Axes are a constant input.

        Raises:
            ModelError: it is not a maximum over all positions of each channel.
        """
        return cls(read_keep_dims(name, options, operands))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Global pooling, with or without the axes that it sums up."""
        return builder.add(cls(bool(layer.config.get("keepdims", False))), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """REDUCE_MAX; version 2 has int8."""
        options = schema.ReducerOptionsT(self.keep_dims)
        extra = (position_axes(operands),)
        return TfliteOperator("REDUCE_MAX", "ReducerOptions", options, extra, version(operands, 2))
