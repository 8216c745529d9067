"""SUB of two tensors: ADD with a negative multiplier, like LiteRT; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.fixed_point import Multiplier
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._differentiable import activated, side_by_side
from tinycomp.ops._sum import SumFactors, SumOperator, sum_factors
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class Subtract(SumOperator):
    """The first input minus the second. One of them may be broadcast."""

    name: ClassVar[str] = "subtract"
    tflite_names: ClassVar[tuple[str, ...]] = ("SUB",)
    keras_names: ClassVar[tuple[str, ...]] = ("Subtract",)
    phrase: ClassVar[str] = "A difference"
    commutes: ClassVar[bool] = False

    @staticmethod
    def factors(operands: Operands) -> SumFactors:
        """The multipliers of ADD, with the second one negated."""
        first, second, output = sum_factors(operands)
        return SumFactors(first, Multiplier(-second.multiplier, second.shift), output)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The difference."""
        first, second = side_by_side(operands, inputs)
        return activated(first - second, self.activation)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """SUB; version 2 has int8."""
        options = schema.SubOptionsT()
        options.fusedActivationFunction = self.activation.value
        return TfliteOperator("SUB", "SubOptions", options, version=version(operands, 2))
