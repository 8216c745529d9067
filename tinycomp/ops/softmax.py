"""SOFTMAX over the last axis: fixed-point exponentials of differences to the maximum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import SoftmaxScaling, softmax, softmax_aborts, softmax_scaling
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Shape
from tinycomp.ops._quantized import parameters
from tinycomp.ops._rows import same_rows
from tinycomp.ops._tflite import version

OUTPUT = QuantizationParameters((1 / 256,), (-128,))
"""The output's parameters, fixed by the int8 specification."""
LARGEST = 511
"""Maximum length of vectors with exponentials that can't add up to 512, where LiteRT's reference
kernel aborts.
"""


@dataclass(frozen=True)
class Softmax(Operator):
    """Output scale 1/256, zero point -128."""

    name: ClassVar[str] = "softmax"
    tflite_names: ClassVar[tuple[str, ...]] = ("SOFTMAX",)

    beta: float = 1.0
    """Multiplies the inputs."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's."""
        (source,) = inputs
        if not source:
            raise ModelError(
                "A softmax reads a tensor of one value.", expected="Expected one axis at least."
            )
        return source

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows."""
        return same_rows(self, operands, index, first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """Probabilities."""
        return OutputRange(fixed=OUTPUT)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates are counted."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Each vector along the last axis separately."""
        (values,) = inputs
        return softmax(values, self._scaling(operands))

    def may_abort(self, operands: Operands) -> bool:
        """Where a vector is long enough."""
        return operands.output.shape[-1] > LARGEST

    def aborts(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Whether LiteRT aborts because too many values are close to the largest; then all outputs
        are 0.
        """
        found = softmax_aborts(inputs[0], self._scaling(operands))
        return np.asarray(found.reshape(len(inputs[0]), -1).any(axis=1))

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined, of the inputs times beta."""
        from keras import ops

        if operands.output.shape[-1] == 1:  # of which keras.ops.softmax warns
            return ops.ones_like(inputs[0])
        return ops.softmax(self.beta * inputs[0], axis=-1)

    def kernel(self, operands: Operands) -> KernelCall:
        """In place: a vector's maximum and sum are taken before it is written."""
        scaling = self._scaling(operands)
        shape = operands.output.shape
        return KernelCall(
            "softmax",
            {
                "width": math.prod(shape[1:-1]),
                "channels": shape[-1],
                "smallest_difference": scaling.smallest_difference,
                "shift": scaling.shift,
                "multiplier": scaling.multiplier,
            },
            in_place=True,
        )

    def _scaling(self, operands: Operands) -> SoftmaxScaling:
        target = parameters(operands.output)
        if (target.scale, target.zero_point) != (OUTPUT.scale, OUTPUT.zero_point):
            raise ModelError(
                f"{operands.output.name!r} (softmax) has scale {target.scale:g} and zero point "
                f"{target.zero_point}.",
                expected="The int8 specification fixes 1/256 and -128.",
            )
        source = parameters(operands.activations[0])
        try:
            return softmax_scaling(self.beta, source.scale)
        except ArithmeticError as error:
            raise ModelError(
                f"{operands.output.name!r} (softmax) reads values of scale {source.scale:g}.",
                expected="More than 2^-26 / beta.",
                hint="Calibrate with data that makes its input other than zero.",
            ) from error

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """Beta from the options."""
        return cls(float(options.beta))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """Beta goes into the options."""
        options = schema.SoftmaxOptionsT()
        options.beta = self.beta
        return TfliteOperator("SOFTMAX", "SoftmaxOptions", options, version=version(operands, 2))
