"""ADD: both inputs are rescaled with 20 extra bits; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._differentiable import activated, side_by_side
from tinycomp.ops._sum import SumOperator
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class Add(SumOperator):
    """Elementwise sum. One input may be broadcast."""

    name: ClassVar[str] = "add"
    tflite_names: ClassVar[tuple[str, ...]] = ("ADD",)
    keras_names: ClassVar[tuple[str, ...]] = ("Add",)
    phrase: ClassVar[str] = "A sum"

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The sum."""
        first, second = side_by_side(operands, inputs)
        return activated(first + second, self.activation)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """The activation goes into the options."""
        options = schema.AddOptionsT()
        options.fusedActivationFunction = self.activation.value
        return TfliteOperator("ADD", "AddOptions", options, version=version(operands, 2))
