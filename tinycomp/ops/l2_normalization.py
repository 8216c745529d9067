"""L2_NORMALIZATION: each vector along the last axis divided by its length; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import inverse_square_root, requantize
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import KerasLayer, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Shape
from tinycomp.ops._keras import refusal
from tinycomp.ops._quantized import centre, parameters, saturate
from tinycomp.ops._tflite import version
from tinycomp.ops._vectors import VectorOperator, vector_fields

OUTPUT = QuantizationParameters((1 / 128,), (0,))
"""What the specification prescribes."""
_BITS = 7
"""Fractional bits of the output (the kernel's constant)."""
_LONGEST = 1 << 15
"""Values of a vector, whose squares add up to 31 bits."""
_AXES = 3


@dataclass(frozen=True)
class L2Normalization(VectorOperator):
    """Output scale 1/128, zero point 0."""

    name: ClassVar[str] = "l2_normalization"
    tflite_names: ClassVar[tuple[str, ...]] = ("L2_NORMALIZATION",)
    keras_names: ClassVar[tuple[str, ...]] = ("UnitNormalization",)
    output: ClassVar[QuantizationParameters] = OUTPUT

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's.

        Raises:
            ModelError: it has no axis, too many, or too long a last one.
        """
        (shape,) = inputs
        if not 1 <= len(shape) <= _AXES or shape[-1] > _LONGEST:
            raise ModelError(
                f"Vectors of a tensor of shape {shape} are normalized.",
                expected=(
                    f"Expected 1 to {_AXES} axes, and at most {_LONGEST:,} values in a vector."
                ),
            )
        return shape

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The inverse length of each vector in fixed point, times its values."""
        x = centre(inputs[0], operands.inputs[0])
        squares = (x * x).sum(axis=-1)
        lengths, where = np.unique(squares, return_inverse=True)
        factors = [inverse_square_root(int(length)) for length in lengths]
        multipliers, shifts = (
            np.array(each, np.int64)[where].reshape(*squares.shape, 1)
            for each in zip(*factors, strict=True)
        )
        return saturate(requantize(x, multipliers, shifts + _BITS))

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined, of vectors that are not so short that gradients overflow."""
        from keras import ops

        squares = ops.sum(ops.square(inputs[0]), axis=-1, keepdims=True)
        return inputs[0] * ops.rsqrt(ops.maximum(squares, 1e-12))

    def kernel(self, operands: Operands) -> KernelCall:
        """In place: a vector's length is taken before it is written."""
        self.require_specified(operands)
        fields = {
            **vector_fields(operands),
            "zero_point": parameters(operands.inputs[0]).zero_point,
        }
        return KernelCall("l2_normalization", fields, in_place=True)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> L2Normalization:
        """No activation.

        Raises:
            ModelError: there is one.
        """
        if options is not None and options.fusedActivationFunction:
            raise ModelError(
                f"{operands.output.name!r} ({name}) has a fused activation.",
                expected="Expected none.",
            )
        return cls()

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """UnitNormalization along the last axis."""
        rank = len(builder.tensors[inputs[0]].shape)
        axis = layer.config.get("axis", -1)
        if axis not in (-1, rank, [-1], [rank]):
            raise refusal(layer, f"normalizes axis {axis}", expected="Expected the last.")
        return builder.add(cls(), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """L2_NORMALIZATION; version 2 has int8."""
        options = schema.L2NormOptionsT()
        return TfliteOperator(
            "L2_NORMALIZATION", "L2NormOptions", options, version=version(operands, 2)
        )
