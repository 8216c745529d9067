"""QUANTIZE inside a model: other parameters, or another type; on int8 a table; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, rescale, saturate
from tinycomp.ops._unary import UnaryOperator


@dataclass(frozen=True)
class Quantize(UnaryOperator):
    """Other parameters for the same real values."""

    name: ClassVar[str] = "quantize"
    tflite_names: ClassVar[tuple[str, ...]] = ("QUANTIZE",)

    def table(self, operands: Operands) -> Table:
        """Rescaled."""
        source, target = parameters(operands.inputs[0]), parameters(operands.output)
        factor = source.scale / target.scale
        return saturate(rescale(every_input(operands), factor, operands) + target.zero_point)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The same real values."""
        return inputs[0]

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Quantize:
        """No options.

        Raises:
            ModelError: the input or output is neither int8 nor int16.
        """
        for value in (*operands.activations, operands.output):
            if value.dtype not in ("int8", "int16"):
                raise ModelError(
                    f"A QUANTIZE inside the model has the {value.dtype} tensor {value.name!r}.",
                    expected="Expected int8 or int16.",
                    hint="Convert the model with int8 inputs, outputs and activations.",
                )
        return cls()

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """QUANTIZE."""
        return TfliteOperator("QUANTIZE", "QuantizeOptions", schema.QuantizeOptionsT())
