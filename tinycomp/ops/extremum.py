"""MINIMUM and MAXIMUM of two tensors: inputs and output share one scale and zero point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import KerasLayer, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._broadcast import aligned, repeat_fields
from tinycomp.ops._differentiable import side_by_side
from tinycomp.ops._keras import merge
from tinycomp.ops._quantized import refuse_constants, require_tied
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class Extremum(BinaryOperator):
    """The larger or the smaller of two values."""

    name: ClassVar[str] = "extremum"
    tflite_names: ClassVar[tuple[str, ...]] = ("MAXIMUM", "MINIMUM")
    keras_names: ClassVar[tuple[str, ...]] = ("Maximum", "Minimum")
    phrase: ClassVar[str] = "A maximum or minimum"

    largest: bool
    """The larger one."""

    def output_range(self, operands: Operands) -> OutputRange:
        """The inputs': one of their values."""
        return OutputRange(tied=True)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Of the stored values."""
        require_tied(self.name, operands)
        rank = len(operands.output.shape)
        first, second = (
            values.reshape(len(values), *aligned(tensor.shape, rank))
            for tensor, values in zip(operands.activations, inputs, strict=True)
        )
        return np.maximum(first, second) if self.largest else np.minimum(first, second)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The larger or smaller one."""
        from keras import ops

        return (ops.maximum if self.largest else ops.minimum)(*side_by_side(operands, inputs))

    def kernel(self, operands: Operands) -> KernelCall:
        """The broadcast input comes second."""
        require_tied(self.name, operands)
        walk = repeat_fields(operands)
        fields = {**walk, "largest": int(self.largest)}
        return KernelCall("extremum", fields, in_place=walk["wide"] == 0)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Extremum:
        """The builtin's name selects which.

        Raises:
            ModelError: one input is a constant.
        """
        refuse_constants(
            name,
            operands,
            expected="Expected two tensors that are computed, or one value as the constant.",
        )
        return cls(name == "MAXIMUM")

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Two or more inputs, as a chain."""
        return merge(cls(layer.class_name == "Maximum"), layer, inputs, builder)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """MAXIMUM or MINIMUM; version 2 has int8."""
        return TfliteOperator(
            "MAXIMUM" if self.largest else "MINIMUM",
            "MaximumMinimumOptions",
            schema.MaximumMinimumOptionsT(),
            version=version(operands, 2),
        )
