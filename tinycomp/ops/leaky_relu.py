"""LEAKY_RELU: a table; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._activation import quantize_bound
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, rescale, saturate, with_limit
from tinycomp.ops._unary import UnaryOperator


@dataclass(frozen=True)
class LeakyRelu(UnaryOperator):
    """x where positive, else alpha * x; at most max_value."""

    name: ClassVar[str] = "leaky_relu"
    tflite_names: ClassVar[tuple[str, ...]] = ("LEAKY_RELU",)
    keras_names: ClassVar[tuple[str, ...]] = ("LeakyReLU",)

    alpha: float
    """The slope below zero."""
    max_value: float | None = None
    """An upper bound; None for none."""

    def output_range(self, operands: Operands) -> OutputRange:
        """Free up to max_value."""
        return OutputRange(limit=self.max_value)

    def table(self, operands: Operands) -> Table:
        """Each side of zero is rescaled by its own factor."""
        source, target = parameters(operands.inputs[0]), parameters(operands.output)
        x = every_input(operands)
        scale = np.float32(source.scale)
        positive = float(scale / np.float32(target.scale))
        negative = float(scale * np.float32(self.alpha) / np.float32(target.scale))
        # LiteRT takes the multiplier's sign apart from it.
        below = rescale(x, abs(negative), operands) * (-1 if negative < 0 else 1)
        y = np.where(x >= 0, rescale(x, positive, operands), below) + target.zero_point
        if self.max_value is not None:
            y = np.minimum(y, quantize_bound(self.max_value, target))
        return saturate(y)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        found = ops.leaky_relu(inputs[0], self.alpha)
        return found if self.max_value is None else ops.minimum(found, self.max_value)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> LeakyRelu:
        """The slope."""
        return cls(0.0 if options is None else float(options.alpha))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Also a ReLU with a slope."""
        limit = layer.config.get("max_value")
        op = cls(float(layer.config["negative_slope"]), None if limit is None else float(limit))
        return builder.add(op, inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator | tuple[TfliteOperator, ...]:
        """LEAKY_RELU, followed by a minimum if there is an upper bound."""
        options = schema.LeakyReluOptionsT(self.alpha)
        first = TfliteOperator("LEAKY_RELU", "LeakyReluOptions", options)
        return with_limit(first, self.max_value, operands)
