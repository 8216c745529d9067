"""PAD with the zero point. Input and output share one scale and zero point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._padding import Padding, amounts
from tinycomp.ops._quantized import parameters
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class Pad(Padding):
    """Zero padding: cells before and after each axis (batch not counted)."""

    name: ClassVar[str] = "pad"
    moves: ClassVar[bool] = True
    tflite_names: ClassVar[tuple[str, ...]] = ("PAD",)
    keras_names: ClassVar[tuple[str, ...]] = ("ZeroPadding2D",)

    def value(self, operands: Operands) -> int:
        """The zero point."""
        return parameters(operands.output).zero_point

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Zeros around the values."""
        from keras import ops

        return ops.pad(inputs[0], ((0, 0), *self.padding))

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Pad:
        """The padding is a constant input, with the batch axis.

        Raises:
            ModelError: it is not constant, or pads the batch.
        """
        return cls(amounts(name, operands))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Rows, then columns."""
        (top, bottom), (left, right) = layer.config["padding"]
        return builder.add(cls(((top, bottom), (left, right), (0, 0))), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """PAD; version 2 has int8."""
        extra = (np.array([(0, 0), *self.padding], np.int32),)
        return TfliteOperator(
            "PAD", "PadOptions", schema.PadOptionsT(), extra, version(operands, 2)
        )
