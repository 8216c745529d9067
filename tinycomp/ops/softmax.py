"""SOFTMAX over the last axis: fixed-point exponentials of differences to the maximum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import SoftmaxScaling, softmax, softmax_aborts, softmax_scaling
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Operator, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Shape
from tinycomp.ops._quantized import parameters
from tinycomp.ops._tflite import version
from tinycomp.ops._vectors import VectorOperator, vector_fields

OUTPUT = QuantizationParameters((1 / 256,), (-128,))
"""The output's parameters, fixed by the int8 specification."""
LARGEST = 511
"""Maximum length of vectors with exponentials that can't add up to 512, where LiteRT's reference
kernel aborts.
"""


@dataclass(frozen=True)
class Softmax(VectorOperator):
    """Output scale 1/256, zero point -128."""

    name: ClassVar[str] = "softmax"
    tflite_names: ClassVar[tuple[str, ...]] = ("SOFTMAX",)
    output: ClassVar[QuantizationParameters] = OUTPUT

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
        return KernelCall(
            "softmax",
            {
                **vector_fields(operands),
                "smallest_difference": scaling.smallest_difference,
                "shift": scaling.shift,
                "multiplier": scaling.multiplier,
            },
            in_place=True,
        )

    def _scaling(self, operands: Operands) -> SoftmaxScaling:
        self.require_specified(operands)
        source = parameters(operands.activations[0])
        try:
            return softmax_scaling(self.beta, source.scale)
        except ArithmeticError as error:
            raise ModelError(
                f"{operands.output.name!r} (softmax) reads values of scale {source.scale:g}.",
                expected="Expected more than 2^-26 / beta.",
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
