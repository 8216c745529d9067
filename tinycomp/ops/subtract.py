"""SUB of two tensors: ADD with a negative multiplier, like LiteRT; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.fixed_point import Multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._activation import Activation
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._broadcast import aligned
from tinycomp.ops._differentiable import activated, side_by_side
from tinycomp.ops._quantized import requantized
from tinycomp.ops._registry import operators
from tinycomp.ops._sum import SumFactors, raised, sum_factors, sum_kernel
from tinycomp.ops._tflite import read_activation, version


@dataclass(frozen=True)
class Subtract(BinaryOperator):
    """The first input minus the second. One of them may be broadcast."""

    name: ClassVar[str] = "subtract"
    tflite_names: ClassVar[tuple[str, ...]] = ("SUB",)
    keras_names: ClassVar[tuple[str, ...]] = ("Subtract",)
    phrase: ClassVar[str] = "A difference"
    commutes: ClassVar[bool] = False

    activation: Activation = Activation.NONE
    """The activation of the difference."""

    def output_range(self, operands: Operands) -> OutputRange:
        """Unconstrained, bounded by the activation."""
        return OutputRange(limit=self.activation.bounds[1])

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Rescales inputs to the common scale, and the difference to the output's."""
        factors, rank = _factors(operands), len(operands.output.shape)
        first, second = (
            raised(x.reshape(len(x), *aligned(tensor.shape, rank)), tensor, factor)
            for tensor, x, factor in zip(operands.activations, inputs, factors[:2], strict=True)
        )
        total = requantize(first + second, *factors.output)
        return requantized(total, operands.output, self.activation)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The difference."""
        first, second = side_by_side(operands, inputs)
        return activated(first - second, self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """The kernel of ADD, with a negative multiplier."""
        return sum_kernel(operands, _factors(operands), self.activation)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """Two computed inputs; a difference with a constant is a separate operator."""
        if operands.constants:
            return operators()["add_constant"].from_tflite(name, options, operands)
        code = 0 if options is None else options.fusedActivationFunction
        return cls(read_activation(operands.output.name, code))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """SUB; version 2 has int8."""
        options = schema.SubOptionsT()
        options.fusedActivationFunction = self.activation.value
        return TfliteOperator("SUB", "SubOptions", options, version=version(operands, 2))


def _factors(operands: Operands) -> SumFactors:
    """The multipliers of ADD, with the second one negated."""
    first, second, output = sum_factors(operands)
    return SumFactors(first, Multiplier(-second.multiplier, second.shift), output)
