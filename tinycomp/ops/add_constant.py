"""ADD and SUB of a tensor and a constant, which may be broadcast; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Constant, Operands, Tensor
from tinycomp.ops._activation import Activation
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._broadcast import aligned, period_fields
from tinycomp.ops._differentiable import activated, side_by_side
from tinycomp.ops._quantized import Clamp, parameters, requantized
from tinycomp.ops._sum import raised, sum_factors
from tinycomp.ops._tflite import read_activation, version


@dataclass(frozen=True)
class AddConstant(BinaryOperator):
    """A sum, or a difference: the first input minus the second. One of them is a constant."""

    name: ClassVar[str] = "add_constant"
    phrase: ClassVar[str] = "A sum with a constant"

    subtract: bool = False
    """First input minus second input, instead of their sum."""
    activation: Activation = Activation.NONE
    """Fused bounds of the output."""

    def output_range(self, operands: Operands) -> OutputRange:
        """Free, bounded by the activation."""
        return OutputRange(limit=self.activation.bounds[1])

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Each input at the common scale, then the sum or difference at the output's."""
        factors, rank = sum_factors(operands), len(operands.output.shape)
        terms = []
        for value, factor in zip(operands.inputs, factors[:2], strict=True):
            x = inputs[0] if isinstance(value, Tensor) else value.values[np.newaxis]
            terms.append(raised(x.reshape(len(x), *aligned(value.shape, rank)), value, factor))
        total = terms[0] - terms[1] if self.subtract else terms[0] + terms[1]
        return requantized(requantize(total, *factors.output), operands.output, self.activation)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The sum or difference."""
        first, second = side_by_side(operands, inputs)
        return activated(first - second if self.subtract else first + second, self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """The constant is stored in the common scale, with its sign in the sum."""
        (tensor,), (constant,) = operands.activations, operands.constants
        factors, clamp = sum_factors(operands), Clamp.of(operands.output, self.activation)
        first = isinstance(operands.inputs[0], Tensor)
        mine, other = factors[:2] if first else factors[1::-1]
        addend = raised(constant.values, constant, other)
        fields: dict[str, int | Array] = {
            **period_fields(constant, operands.output),
            "constant": (-addend if self.subtract and first else addend).astype(np.int32).ravel(),
            "input_zero_point": parameters(tensor).zero_point,
            "negative": int(self.subtract and not first),
            "input_shift": mine.shift,
            "output_shift": factors.output.shift,
            "output_zero_point": clamp.zero_point,
            "activation_min": clamp.low,
            "activation_max": clamp.high,
            "input_multiplier": mine.multiplier,
            "output_multiplier": factors.output.multiplier,
        }
        return KernelCall("add_constant", fields, in_place=True)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """One constant, no larger than the tensor.

        Raises:
            ModelError: both inputs are computed, or the constant is larger.
        """
        if len(operands.activations) != 1 or len(operands.constants) != 1:
            raise ModelError(
                f"{operands.output.name!r} ({name}) reads {len(operands.activations)} computed "
                f"tensors and {len(operands.constants)} constants.",
                expected="Expected one of each.",
                hint="Write a difference of two tensors as a sum with one of them times -1.",
            )
        _require_smaller(operands.activations[0], operands.constants[0])
        code = 0 if options is None else options.fusedActivationFunction
        return cls(name == "SUB", read_activation(operands.output.name, code))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """ADD or SUB; version 2 has int8."""
        kind, options = ("SUB", schema.SubOptionsT()) if self.subtract else (
            "ADD", schema.AddOptionsT()
        )  # fmt: skip
        options.fusedActivationFunction = self.activation.value
        return TfliteOperator(
            kind, f"{kind.capitalize()}Options", options, version=version(operands, 2)
        )


def _require_smaller(tensor: Tensor, constant: Constant) -> None:
    wanted = np.dtype(tensor.dtype)
    if constant.values.size > tensor.size or constant.values.dtype != wanted:
        raise ModelError(
            f"The tensor {tensor.name!r} meets the {constant.values.dtype} constant "
            f"{constant.name!r} of shape {constant.shape}.",
            expected=f"Expected a constant of type {wanted}, no larger than the tensor.",
            hint="Repeat the tensor first.",
        )
