"""QUANTIZE from int8 to int8: a table; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._quantized import parameters
from tinycomp.ops._rows import same_rows
from tinycomp.ops._table import (
    Table,
    every_input,
    look_up,
    rescale,
    saturate,
    table_kernel,
    unary_shape,
)


@dataclass(frozen=True)
class Quantize(Operator):
    """Other parameters for the same real values."""

    name: ClassVar[str] = "quantize"
    tflite_names: ClassVar[tuple[str, ...]] = ("QUANTIZE",)
    keras_names: ClassVar[tuple[str, ...]] = ()

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's."""
        return unary_shape(inputs)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows."""
        return same_rows(self, operands, index, first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """Free."""
        return OutputRange()

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """A table lookup."""
        return look_up(_table(operands), inputs[0])

    def kernel(self, operands: Operands) -> KernelCall:
        """A table lookup."""
        return table_kernel(_table(operands), operands)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Quantize:
        """No options.

        Raises:
            ModelError: the input or output is not int8.
        """
        for value in (*operands.activations, operands.output):
            if value.dtype != "int8":
                raise ModelError(
                    f"A QUANTIZE inside the model has the {value.dtype} tensor {value.name!r}.",
                    expected="Expected int8.",
                    hint="Convert the model with int8 inputs, outputs and activations.",
                )
        return cls()

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """QUANTIZE."""
        return TfliteOperator("QUANTIZE", "QuantizeOptions", schema.QuantizeOptionsT())


def _table(operands: Operands) -> Table:
    source, target = parameters(operands.inputs[0]), parameters(operands.output)
    factor = source.scale / target.scale
    return saturate(rescale(every_input(operands), factor, operands) + target.zero_point)
