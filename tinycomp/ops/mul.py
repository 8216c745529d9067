"""MUL of two tensors or of a tensor and a constant, one of which may be broadcast; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Tensor
from tinycomp.ops._activation import Activation
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._broadcast import aligned, period_fields, repeat_fields
from tinycomp.ops._differentiable import activated, side_by_side
from tinycomp.ops._factor import bounded_multiplier
from tinycomp.ops._quantized import Clamp, parameters, requantized
from tinycomp.ops._tflite import read_activation


@dataclass(frozen=True)
class Mul(BinaryOperator):
    """Elementwise product. One input may be broadcast."""

    name: ClassVar[str] = "mul"
    tflite_names: ClassVar[tuple[str, ...]] = ("MUL",)
    keras_names: ClassVar[tuple[str, ...]] = ("Multiply",)
    phrase: ClassVar[str] = "A product"

    activation: Activation = Activation.NONE
    """Applied to the product."""

    def output_range(self, operands: Operands) -> OutputRange:
        """Free, bounded by the activation."""
        return OutputRange(limit=self.activation.bounds[1])

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The product without zero points, rescaled."""
        computed = iter(inputs)
        product: Array = np.ones(1, np.int64)
        for value in operands.inputs:
            x = next(computed) if isinstance(value, Tensor) else value.values[np.newaxis]
            shape = (len(x), *aligned(value.shape, len(operands.output.shape)))
            product = product * (x.reshape(shape).astype(np.int64) - parameters(value).zero_point)
        factor = bounded_multiplier(_factor(operands), 16, operands)
        return requantized(requantize(product, *factor), operands.output, self.activation)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The product."""
        first, second = side_by_side(operands, inputs)
        return activated(first * second, self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """mul, or mul_constant if an input is a constant.

        Raises:
            ModelError: the constant is larger than the tensor.
        """
        if not operands.constants:
            return self._tensor_kernel(operands)
        if [tensor.shape for tensor in operands.activations] != [operands.output.shape]:
            raise ModelError(
                f"The product {operands.output.name!r} repeats a tensor over the constant "
                f"{operands.constants[0].name!r}.",
                expected="Expected a constant no larger than the tensor.",
            )
        return self._constant_kernel(operands)

    def _tensor_kernel(self, operands: Operands) -> KernelCall:
        walk = repeat_fields(operands)
        wide = walk["wide"]
        fields = {
            **walk,
            "wide_zero_point": parameters(operands.inputs[wide]).zero_point,
            "repeated_zero_point": parameters(operands.inputs[1 - wide]).zero_point,
            **self._last_fields(operands),
        }
        return KernelCall("mul", fields, in_place=wide == 0)

    def _constant_kernel(self, operands: Operands) -> KernelCall:
        (tensor,), (constant,) = operands.activations, operands.constants
        fields: dict[str, int | Array] = {
            **period_fields(constant, operands.output),
            "constant": constant.values.astype(np.int8).ravel(),
            "input_zero_point": parameters(tensor).zero_point,
            "constant_zero_point": parameters(constant).zero_point,
            **self._last_fields(operands),
        }
        return KernelCall("mul_constant", fields, in_place=True)

    def _last_fields(self, operands: Operands) -> dict[str, int]:
        """The last members of both kernels' structs."""
        factor = bounded_multiplier(_factor(operands), 16, operands)
        clamp = Clamp.of(operands.output, self.activation)
        return {
            "shift": factor.shift,
            "output_zero_point": clamp.zero_point,
            "activation_min": clamp.low,
            "activation_max": clamp.high,
            "multiplier": factor.multiplier,
        }

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Mul:
        """The activation."""
        code = 0 if options is None else options.fusedActivationFunction
        return cls(read_activation(operands.output.name, code))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """MUL; version 2 has int8, version 3 factors of 1 and more."""
        number = 1
        if operands.output.dtype != "float32":
            number = 3 if _factor(operands) >= 1 else 2
        options = schema.MulOptionsT(self.activation.value)
        return TfliteOperator("MUL", "MulOptions", options, version=number)


def _factor(operands: Operands) -> float:
    """Input scale * input scale / output scale, in float32 as LiteRT computes it."""
    first, second = (np.float32(parameters(value).scale) for value in operands.inputs)
    return float(first * second / np.float32(parameters(operands.output).scale))
