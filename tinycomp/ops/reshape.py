"""RESHAPE: the same bytes in another shape."""

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
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._rows import same_rows


@dataclass(frozen=True)
class Reshape(Operator):
    """Also flatten; costs nothing."""

    name: ClassVar[str] = "reshape"
    moves: ClassVar[bool] = True
    tflite_names: ClassVar[tuple[str, ...]] = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")
    keras_names: ClassVar[tuple[str, ...]] = ("Reshape", "Flatten")

    shape: tuple[int, ...]
    """The output's, without the batch."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The attribute, if it has as many values as the input."""
        (source,) = inputs
        if math.prod(source) != math.prod(self.shape):
            raise ModelError(
                f"A reshape from {source} to {self.shape} changes the number of values from "
                f"{math.prod(source)} to {math.prod(self.shape)}."
            )
        return self.shape

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows."""
        return same_rows(self, operands, index, first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """Nothing."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The same values."""
        (values,) = inputs
        require_tied("reshape", operands)
        return values.reshape(len(values), *self.shape)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The same values."""
        from keras import ops

        return ops.reshape(inputs[0], (-1, *self.shape))

    def kernel(self, operands: Operands) -> KernelCall | None:
        """None: the output is the input's bytes."""
        require_tied("reshape", operands)
        return None

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """The shape of the output tensor, independent of the options and inputs."""
        return cls(operands.output.shape)

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Flatten, or a target shape in which one size may be -1."""
        source = builder.tensors[inputs[0]].shape
        if layer.class_name == "Flatten":
            return builder.add(cls((math.prod(source),)), inputs, layer.name)
        target = tuple(int(size) for size in layer.config["target_shape"])
        known = math.prod(size for size in target if size != -1)
        shape = tuple(math.prod(source) // known if size == -1 else size for size in target)
        return builder.add(cls(shape), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """The shape as a second input; -1 leaves the batch open."""
        shape = np.array([-1, *self.shape], np.int32)
        options = schema.ReshapeOptionsT()
        options.newShape = shape.tolist()
        return TfliteOperator("RESHAPE", "ReshapeOptions", options, extra=(shape,))
