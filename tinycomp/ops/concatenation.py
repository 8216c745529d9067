"""CONCATENATION: all inputs and the output share one scale and zero point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._keras import refusal
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._rows import byte_rows, rows
from tinycomp.ops._tflite import version

_AXES = 5
"""As many as other operators have."""


@dataclass(frozen=True)
class Concatenation(Operator):
    """Inputs side by side along an axis (batch not counted; a negative one counts from the end)."""

    name: ClassVar[str] = "concatenation"
    moves: ClassVar[bool] = True
    tflite_names: ClassVar[tuple[str, ...]] = ("CONCATENATION", "PACK")
    keras_names: ClassVar[tuple[str, ...]] = ("Concatenate",)

    axis: int
    """The batch does not count; negative from the end."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The inputs' lengths along the axis added up.

        Raises:
            ModelError: there are no inputs, they differ in another axis, or lack this one.
        """
        rank = len(inputs[0]) if inputs else 0
        if not 1 <= rank <= _AXES or not -rank <= self.axis < rank:
            raise ModelError(
                f"A concatenation along axis {self.axis} got inputs of shapes {list(inputs)}.",
                expected=f"Expected 1 to {_AXES} axes, this one among them.",
            )
        axis = self.axis % rank
        others = {(*shape[:axis], *shape[axis + 1 :]) for shape in inputs}
        if len(others) != 1:
            raise ModelError(
                f"A concatenation along axis {self.axis} got inputs of shapes {list(inputs)}.",
                expected="Expected equal lengths along all other axes.",
            )
        total = sum(shape[axis] for shape in inputs)
        return (*inputs[0][:axis], total, *inputs[0][axis + 1 :])

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows, or all of an input that lies above or below others."""
        stacked = self.axis == 0 and len(operands.output.shape) > 1
        height = rows(operands.inputs[index].shape)[0]
        return (0, height) if stacked else (first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """One for all inputs and the output."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Copies."""
        require_tied(self.name, operands)
        return np.concatenate(inputs, axis=1 + self._axis(operands))

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Side by side."""
        from keras import ops

        return ops.concatenate(inputs, axis=1 + self._axis(operands))

    def kernel(self, operands: Operands) -> KernelCall:
        """Along the first of several axes rows are stacked, else each row is made of pieces.

        Raises:
            ModelError: an input is a constant.
        """
        require_tied(self.name, operands)
        if operands.constants:
            raise ModelError(
                f"The concatenation {operands.output.name!r} has the constant input "
                f"{operands.constants[0].name!r}.",
                expected="Expected inputs that the model computes.",
            )
        shapes = [tensor.shape for tensor in operands.activations]
        axis, rank = self._axis(operands), len(shapes[0])
        stacked = axis == 0 and rank > 1
        item = operands.output.itemsize
        sizes = [shape[0] if stacked else math.prod(shape[axis:]) * item for shape in shapes]
        fields: dict[str, int | Array] = {
            "inputs": len(shapes),
            "repeats": 0 if stacked else math.prod(shapes[0][1:axis]),
            "sizes": np.array(sizes, np.int32),
            "row": byte_rows(operands.output)[1],
        }
        return KernelCall("concatenation", fields)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Concatenation:
        """The axis, without the batch.

        Raises:
            ModelError: it joins batches or has a fused activation.
        """
        axis, activation = options.axis, options.fusedActivationFunction
        if axis == 0 or axis == -len(operands.output.shape) - 1 or activation != 0:
            raise ModelError(
                f"{name} {operands.output.name!r} has axis {axis} and activation {activation}.",
                expected="Expected an axis other than the first (batch) and no activation.",
            )
        return cls(axis % (len(operands.output.shape) + 1) - 1)

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Keras counts the batch as axis 0."""
        rank = len(builder.tensors[inputs[0]].shape)
        axis = int(layer.config.get("axis", -1))
        axis = axis - 1 if axis >= 0 else axis + rank
        if not 0 <= axis < rank:
            raise refusal(layer, "joins along the batch", expected="Expected another axis.")
        return builder.add(cls(axis), inputs, layer.name) if len(inputs) > 1 else inputs[0]

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """CONCATENATION; version 2 has int8."""
        options = schema.ConcatenationOptionsT(1 + self._axis(operands))
        return TfliteOperator(
            "CONCATENATION", "ConcatenationOptions", options, version=version(operands, 2)
        )

    def _axis(self, operands: Operands) -> int:
        return self.axis % len(operands.output.shape)
