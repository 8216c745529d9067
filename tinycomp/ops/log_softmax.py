"""LOG_SOFTMAX: logarithms of a softmax, in fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import LogSoftmaxScaling, log_softmax, log_softmax_scaling
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Shape
from tinycomp.ops._quantized import parameters
from tinycomp.ops._tflite import version
from tinycomp.ops._vectors import VectorOperator, vector_fields

OUTPUT = QuantizationParameters((1 / 16,), (127,))
"""What the specification prescribes."""
_LONGEST = 1 << 12
"""Values of a vector, whose exponentials add up to 12 integer bits."""


@dataclass(frozen=True)
class LogSoftmax(VectorOperator):
    """Output scale 1/16, zero point 127."""

    name: ClassVar[str] = "log_softmax"
    tflite_names: ClassVar[tuple[str, ...]] = ("LOG_SOFTMAX",)
    output: ClassVar[QuantizationParameters] = OUTPUT

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's.

        Raises:
            ModelError: a vector is too long.
        """
        (shape,) = inputs
        if not shape or shape[-1] >= _LONGEST:
            raise ModelError(
                f"The logarithms of a softmax of {shape} are computed.",
                expected=(
                    f"Expected one axis at least, and fewer than {_LONGEST:,} values in a vector."
                ),
            )
        return shape

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Each vector along the last axis separately."""
        return np.asarray(log_softmax(inputs[0], self._scaling(operands)))

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        return ops.log_softmax(inputs[0], axis=-1)

    def kernel(self, operands: Operands) -> KernelCall:
        """In place: a vector's maximum and sum are taken before it is written."""
        scaling = self._scaling(operands)
        fields = {
            **vector_fields(operands),
            "smallest_difference": max(-256, scaling.smallest_difference),
            "shift": scaling.shift,
            "reverse_shift": scaling.reverse_shift,
            "multiplier": scaling.multiplier,
            "reverse_multiplier": scaling.reverse_multiplier,
        }
        return KernelCall("log_softmax", fields, in_place=True)

    def _scaling(self, operands: Operands) -> LogSoftmaxScaling:
        self.require_specified(operands)
        source = parameters(operands.activations[0])
        try:
            return log_softmax_scaling(source.scale)
        except ArithmeticError as error:
            raise ModelError(
                f"{operands.output.name!r} (log_softmax) reads values of scale {source.scale:g}.",
                expected="Expected more than 2^-25, and at most 16.",
                hint="Calibrate with other data.",
            ) from error

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> LogSoftmax:
        """No options."""
        return cls()

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """LOG_SOFTMAX; version 2 has int8."""
        options = schema.LogSoftmaxOptionsT()
        return TfliteOperator(
            "LOG_SOFTMAX", "LogSoftmaxOptions", options, version=version(operands, 2)
        )
