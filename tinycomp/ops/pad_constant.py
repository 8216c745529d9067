"""PADV2: pads with a constant. It, the input and the output share one scale and zero point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Constant, Operands, Shape
from tinycomp.ops._padding import Padding, amounts
from tinycomp.ops._quantized import parameters
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class PadConstant(Padding):
    """Reads (tensor, one value); cells of that value before and after each axis (batch not
    counted).
    """

    name: ClassVar[str] = "pad_constant"
    tflite_names: ClassVar[tuple[str, ...]] = ("PADV2",)

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """Each axis longer by its padding."""
        return super().infer_shape(inputs[:1])

    def value(self, operands: Operands) -> int:
        """The constant.

        Raises:
            ModelError: it has another scale than the output.
        """
        (constant,) = operands.constants
        known, output = parameters(constant), parameters(operands.output)
        if (known.scale, known.zero_point) != (output.scale, output.zero_point):
            raise ModelError(
                f"{operands.output.name!r} (PADV2) is padded with {constant.name!r}, which has "
                f"the scale {known.scale:g} and zero point {known.zero_point}.",
                expected=f"Expected the output's, {output.scale:g} and {output.zero_point}.",
                hint="Quantize the model again.",
            )
        return int(constant.values.ravel()[0])

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The constant around the values."""
        from keras import ops

        x, value = inputs
        around = ops.pad(ops.ones_like(x), ((0, 0), *self.padding))
        return ops.pad(x, ((0, 0), *self.padding)) + ops.reshape(value, (1,)) * (1 - around)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> PadConstant:
        """Padding and value are constant inputs.

        Raises:
            ModelError: they are not constant, or the batch is padded.
        """
        op = cls(amounts(name, operands))
        if len(operands.constants) != 2 or operands.constants[1].values.size != 1:
            raise ModelError(
                f"{name} {operands.output.name!r} pads with a tensor.",
                expected="Expected one constant value.",
            )
        return op

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """PADV2; version 2 has int8."""
        pairs = np.array([(0, 0), *self.padding], np.int32)
        padding = Constant(f"{operands.output.name}/padding", pairs)
        return TfliteOperator(
            "PADV2", "PadV2Options", schema.PadV2OptionsT(), version=version(operands, 2),
            operands=(0, padding, 1),
        )  # fmt: skip
