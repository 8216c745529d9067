"""ADD: both inputs are rescaled with 20 extra bits; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.fixed_point import requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._activation import Activation
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._broadcast import aligned
from tinycomp.ops._differentiable import activated, side_by_side
from tinycomp.ops._quantized import requantized
from tinycomp.ops._registry import operators
from tinycomp.ops._sum import raised, sum_factors, sum_kernel
from tinycomp.ops._tflite import read_activation, version


@dataclass(frozen=True)
class Add(BinaryOperator):
    """Elementwise sum. One input may be broadcast."""

    name: ClassVar[str] = "add"
    tflite_names: ClassVar[tuple[str, ...]] = ("ADD",)
    keras_names: ClassVar[tuple[str, ...]] = ("Add",)
    phrase: ClassVar[str] = "A sum"

    activation: Activation = Activation.NONE
    """Applied to the sum."""

    def output_range(self, operands: Operands) -> OutputRange:
        """Free, bounded by the activation."""
        return OutputRange(limit=self.activation.bounds[1])

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Each input to the common scale, then the sum to the output's."""
        first, second, output = sum_factors(operands)
        total: Array = np.zeros(1, np.int64)
        for tensor, values, factor in zip(
            operands.activations, inputs, (first, second), strict=True
        ):
            shape = (len(values), *aligned(tensor.shape, len(operands.output.shape)))
            total = total + raised(values.reshape(shape), tensor, factor)
        return requantized(requantize(total, *output), operands.output, self.activation)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The sum."""
        first, second = side_by_side(operands, inputs)
        return activated(first + second, self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """The broadcast input comes second."""
        return sum_kernel(operands, sum_factors(operands), self.activation)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """Two computed inputs; a sum with a constant is a separate operator."""
        if operands.constants:
            return operators()["add_constant"].from_tflite(name, options, operands)
        code = 0 if options is None else options.fusedActivationFunction
        return cls(read_activation(operands.output.name, code))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """The activation goes into the options."""
        options = schema.AddOptionsT()
        options.fusedActivationFunction = self.activation.value
        return TfliteOperator("ADD", "AddOptions", options, version=version(operands, 2))
