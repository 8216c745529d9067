"""Sums of two int8 values of different scales, rescaled to a common one with 20 extra bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import Multiplier, quantize_multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Value
from tinycomp.ops._activation import Activation
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._broadcast import aligned, repeat_fields
from tinycomp.ops._quantized import Clamp, centre, parameters, requantized
from tinycomp.ops._registry import operators
from tinycomp.ops._tflite import read_activation

LEFT_SHIFT = 20
"""Extra bits of both inputs for rescaling to a common scale (the kernels' constant)."""


class SumFactors(NamedTuple):
    """The factors of an addition."""

    first: Multiplier
    """Of the first input, to twice the larger scale."""
    second: Multiplier
    """Of the second input, to twice the larger scale."""
    output: Multiplier
    """Of the sum, to the output's scale."""


def sum_factors(operands: Operands, extra: int = LEFT_SHIFT) -> SumFactors:
    """The factors of a node with two inputs, whose common scale has so many extra bits.

    Raises:
        ModelError: the output's scale is so fine that its factor is not below 1.
    """
    first, second = (parameters(value).scale for value in operands.inputs)
    target = parameters(operands.output).scale
    common = 2 * max(first, second)
    output = common / (target * (1 << extra))
    if output >= 1.0:
        raise ModelError(
            f"{operands.output.name!r} (add) has the scale {target:g} for inputs of {first:g} and "
            f"{second:g}.",
            expected=f"Expected more than 2^-{extra - 1} of the larger input's scale.",
            hint="Calibrate with data that makes this sum other than zero.",
        )
    return SumFactors(
        quantize_multiplier(first / common),
        quantize_multiplier(second / common),
        quantize_multiplier(output),
    )


def sum_kernel(operands: Operands, factors: SumFactors, activation: Activation) -> KernelCall:
    """The call of the kernel `add` for two tensors; a negative multiplier subtracts."""
    clamp = Clamp.of(operands.output, activation)
    bounds = {"activation_min": clamp.low, "activation_max": clamp.high}
    return rescaled_kernel("add", operands, factors, bounds)


def rescaled_kernel(
    kernel: str, operands: Operands, factors: SumFactors, more: Mapping[str, int]
) -> KernelCall:
    """The call of a kernel that rescales two tensors; the broadcast one comes second.

    Args:
        kernel: its name.
        operands: of the node.
        factors: of both inputs and of the output.
        more: its other members, between zero points and factors.
    """
    walk = repeat_fields(operands)
    wide = walk["wide"]
    tensors = operands.activations
    fields = {
        **walk,
        "wide_zero_point": parameters(tensors[wide]).zero_point,
        "repeated_zero_point": parameters(tensors[1 - wide]).zero_point,
        "output_zero_point": parameters(operands.output).zero_point,
        **more,
        "wide_shift": factors[wide].shift,
        "repeated_shift": factors[1 - wide].shift,
        "output_shift": factors.output.shift,
        "wide_multiplier": factors[wide].multiplier,
        "repeated_multiplier": factors[1 - wide].multiplier,
        "output_multiplier": factors.output.multiplier,
    }
    return KernelCall(kernel, fields, in_place=wide == 0)


def raised(values: Array, value: Value, factor: Multiplier) -> Array:
    """int8 values of an input in the common scale."""
    return requantize(centre(values, value) << LEFT_SHIFT, *factor)


@dataclass(frozen=True)
class SumOperator(BinaryOperator):
    """A sum of two tensors, each times 1 or -1. One may be broadcast.

    A subclass implements `factors`, `differentiable` and `to_tflite`.
    """

    activation: Activation = Activation.NONE
    """Applied to the result."""

    @staticmethod
    def factors(operands: Operands) -> SumFactors:
        """The factors of both inputs, negative where one is subtracted, and of the sum."""
        return sum_factors(operands)

    def output_range(self, operands: Operands) -> OutputRange:
        """Free, bounded by the activation."""
        return OutputRange(limit=self.activation.bounds[1])

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Each input to the common scale, then the sum to the output's."""
        factors, rank = self.factors(operands), len(operands.output.shape)
        first, second = (
            raised(x.reshape(len(x), *aligned(tensor.shape, rank)), tensor, factor)
            for tensor, x, factor in zip(operands.activations, inputs, factors[:2], strict=True)
        )
        total = requantize(first + second, *factors.output)
        return requantized(total, operands.output, self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """The broadcast input comes second."""
        return sum_kernel(operands, self.factors(operands), self.activation)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Self | Operator:
        """Two computed inputs; with a constant it is a separate operator."""
        if operands.constants:
            return operators()["add_constant"].from_tflite(name, options, operands)
        code = 0 if options is None else options.fusedActivationFunction
        return cls(read_activation(operands.output.name, code))
