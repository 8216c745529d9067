"""RELU and its variants with an upper bound: a table; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._activation import quantize_bound
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, rescale, saturate, with_limit
from tinycomp.ops._tflite import version
from tinycomp.ops._unary import UnaryOperator

_BOUNDS = {"RELU_0_TO_1": 1.0, "RELU6": 6.0}


@dataclass(frozen=True)
class Relu(UnaryOperator):
    """max(x, 0), at most max_value, if it can't be fused into another operator."""

    name: ClassVar[str] = "relu"
    tflite_names: ClassVar[tuple[str, ...]] = ("RELU", "RELU6", "RELU_0_TO_1")
    keras_names: ClassVar[tuple[str, ...]] = ("ReLU",)

    max_value: float | None = None
    """An upper bound; None for none."""

    def output_range(self, operands: Operands) -> OutputRange:
        """Free up to max_value."""
        return OutputRange(limit=self.max_value)

    def table(self, operands: Operands) -> Table:
        """Rescaled, then clamped to the bounds."""
        source, target = parameters(operands.inputs[0]), parameters(operands.output)
        factor = np.float32(source.scale) / np.float32(target.scale)
        x = rescale(every_input(operands), float(factor), operands) + target.zero_point
        if self.max_value is not None:
            x = np.minimum(x, quantize_bound(self.max_value, target))
        return saturate(np.maximum(x, target.zero_point))

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        found = ops.relu(inputs[0])
        return found if self.max_value is None else ops.minimum(found, self.max_value)

    @classmethod
    def of_builtin(cls, name: str) -> Relu:
        """The builtin's name gives the bound."""
        return cls(_BOUNDS.get(name))

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Relu:
        """By its name."""
        return cls.of_builtin(name)

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """One without a slope."""
        limit = layer.config.get("max_value")
        return builder.add(cls(None if limit is None else float(limit)), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator | tuple[TfliteOperator, ...]:
        """The builtin with this bound, or RELU followed by a minimum."""
        if self.max_value == 1.0 and operands.output.dtype != "int16":  # which LiteRT lacks
            return TfliteOperator("RELU_0_TO_1")
        if self.max_value == 6.0:
            return TfliteOperator("RELU6", version=version(operands, 2))
        first = TfliteOperator("RELU", version=version(operands, 2))
        return with_limit(first, self.max_value, operands)
