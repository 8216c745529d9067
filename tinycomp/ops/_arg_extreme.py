"""The place of the largest or the smallest value along an axis.

A .tflite has it as int32 or int64. Here places are int8 at the scale 1: what was int8 before stays
a model of one type, and the library returns the number of the class as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import NUMBERS, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._quantized import parameters
from tinycomp.ops._reduction import AxesOperator
from tinycomp.ops._rows import rows
from tinycomp.ops._tflite import version

MOST_PLACES = 128
"""Places are 0 to 127."""


@dataclass(frozen=True)
class ArgExtreme(AxesOperator):
    """A subclass says which extreme; of equal values the first counts."""

    largest: ClassVar[bool]
    """Whether it is the largest value."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's, without the axis, or with 1 there.

        Raises:
            ModelError: there is no such axis, more than one, or it is too long.
        """
        (shape,) = inputs
        found = super().infer_shape(inputs)
        axes = self.reduced(len(shape))
        if len(axes) != 1 or shape[axes[0]] > MOST_PLACES:
            raise ModelError(
                f"{self.phrase} is looked for along the axes {axes} of an input of shape {shape}.",
                expected=f"Expected one axis of at most {MOST_PLACES} values, as places are int8.",
                hint="Save the model without it, and compare the outputs in the firmware.",
            )
        return found

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows; all of them along rows, or for an output that is one row."""
        source = operands.inputs[0].shape
        height = rows(source)[0]
        along = self._down(source)
        same = height == rows(operands.output.shape)[0] and not along
        return (first, last) if same else (0, height)

    def output_range(self, operands: Operands) -> OutputRange:
        """Numbers of places."""
        return OutputRange(fixed=NUMBERS)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The first of equal values.

        Raises:
            ModelError: the output has another scale than 1.
        """
        (x,) = inputs
        if parameters(operands.output) != NUMBERS:
            raise ModelError(
                f"{operands.output.name!r} ({self.name}) holds places, at the scale "
                f"{parameters(operands.output).scale:g}.",
                expected="Expected the scale 1 and the zero point 0.",
            )
        found: Array = self._places(np, x).astype(np.int8)
        return found.reshape(len(x), *operands.output.shape)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Places as real values; nothing can be trained through them."""
        from keras import ops

        found = ops.cast(self._places(ops, inputs[0]), "float32")
        return ops.reshape(found, (-1, *operands.output.shape))

    def kernel(self, operands: Operands) -> KernelCall:
        """Values one after the other, a fixed distance or a row apart."""
        shape = operands.inputs[0].shape
        (axis,) = self.reduced(len(shape))
        height, down = rows(shape)[0], self._down(shape)
        values = rows(operands.output.shape)[1] if down else math.prod(shape[axis + 1 :])
        same = height == rows(operands.output.shape)[0]
        fields = {
            "together": 1 if down or same else height,
            "outer": 1 if down or not axis else math.prod(shape[1:axis]),
            "count": shape[axis],
            "inner": values,
            "down": int(down),
            "largest": int(self.largest),
        }
        return KernelCall("arg_extreme", fields)

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """Places as int32, and as numbers of the output's type; where no axis is left, or axes are
        kept, a reshape.
        """
        source, real = operands.activations[0], operands.output.dtype == "float32"
        (axis,) = self.reduced(len(source.shape))
        rest = tuple(size for at, size in enumerate(source.shape) if at != axis)
        options = schema.ArgMaxOptionsT() if self.largest else schema.ArgMinOptionsT()
        options.outputType = schema.TensorType.INT32
        cast, shaped = schema.CastOptionsT(), schema.ReshapeOptionsT()
        cast.inDataType = schema.TensorType.INT32
        cast.outDataType = schema.TensorType.FLOAT32 if real else schema.TensorType.INT8
        target = [-1, *operands.output.shape]
        shaped.newShape = target
        (builtin,) = self.tflite_names
        kind = "ArgMaxOptions" if self.largest else "ArgMinOptions"
        known = operands.output.quantization
        chain = (
            TfliteOperator(
                builtin, kind, options, (np.array(axis + 1, np.int32),), version(operands, 2),
                dtype="int32", shape=rest,
            ),
            TfliteOperator("CAST", "CastOptions", cast, quantization=known, shape=rest),
        )  # fmt: skip
        if len(source.shape) > 1 and not self.keep_dims:
            return chain
        last = TfliteOperator(
            "RESHAPE", "ReshapeOptions", shaped, extra=(np.array(target, np.int32),)
        )
        return (*chain, last)

    def _down(self, shape: Shape) -> bool:
        """Whether the values that are compared lie in different rows."""
        return self.reduced(len(shape)) == (0,) and len(shape) > 1

    def _places(self, library: Any, x: Any) -> Any:
        """The places, by NumPy or by keras.ops; the first axis is the batch."""
        (axis,) = self.reduced(len(x.shape) - 1)
        return (library.argmax if self.largest else library.argmin)(x, axis=axis + 1)
