"""BATCH_MATMUL of two computed tensors; rounds twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import Multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._factor import bounded_multiplier
from tinycomp.ops._quantized import centre, parameters, refuse_constants, saturate
from tinycomp.ops._rows import rows
from tinycomp.ops._tflite import version

_AXES = 4


@dataclass(frozen=True)
class BatchMatmul(Operator):
    """A product of the matrices in the last two axes, for each place in the axes before them."""

    name: ClassVar[str] = "batch_matmul"
    tflite_names: ClassVar[tuple[str, ...]] = ("BATCH_MATMUL",)

    transpose_first: bool = False
    """The first input's matrices are (depth, height)."""
    transpose_second: bool = False
    """The second input's matrices are (width, depth)."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(..., height, width) of (..., height, depth) and (..., depth, width).

        Raises:
            ModelError: there are not two inputs, or they don't fit each other.
        """
        if len(inputs) == 2 and all(2 <= len(shape) <= _AXES for shape in inputs):
            first, second = inputs
            height, depth = first[:-3:-1] if self.transpose_first else first[-2:]
            other, width = second[:-3:-1] if self.transpose_second else second[-2:]
            if first[:-2] == second[:-2] and depth == other:
                return (*first[:-2], height, width)
        raise ModelError(
            f"A product of matrices got inputs of shapes {list(inputs)}.",
            expected=f"Expected two of 2 to {_AXES} axes, alike but for the last two, "
            "which are matrices of "
            "one inner length.",
            hint="Repeat the input that has fewer matrices.",
        )

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows; all of a matrix whose rows are summed over."""
        if self._row_by_row(operands, index):
            return first, last
        return 0, rows(operands.inputs[index].shape)[0]

    def _row_by_row(self, operands: Operands, index: int) -> bool:
        """Whether an output row reads one row of an input."""
        if len(operands.output.shape) > 2:
            return True
        return index == 0 and not self.transpose_first

    def output_range(self, operands: Operands) -> OutputRange:
        """Free."""
        return OutputRange()

    def cost(self, operands: Operands) -> Cost:
        """A sum of products for each output."""
        return Cost(macs=operands.output.size * self.depth(operands))

    def depth(self, operands: Operands) -> int:
        """Products of a sum."""
        return operands.inputs[0].shape[-2 if self.transpose_first else -1]

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Sums without zero points, rescaled."""
        x, y = (
            centre(values, tensor) for values, tensor in zip(inputs, operands.inputs, strict=True)
        )
        first = x.swapaxes(-1, -2) if self.transpose_first else x
        second = y.swapaxes(-1, -2) if self.transpose_second else y
        sums = (first.astype(np.float64) @ second.astype(np.float64)).astype(np.int64)
        scaled = requantize(sums, *_factor(operands, self.depth(operands)))
        return saturate(scaled + parameters(operands.output).zero_point)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """A product."""
        from keras import ops

        x, y = inputs
        first = ops.swapaxes(x, -1, -2) if self.transpose_first else x
        second = ops.swapaxes(y, -1, -2) if self.transpose_second else y
        return ops.matmul(first, second)

    def kernel(self, operands: Operands) -> KernelCall:
        """Matrices lie within rows, or rows are a matrix's."""
        shape, depth = operands.output.shape, self.depth(operands)
        width, factor = shape[-1], _factor(operands, depth)
        fields = {
            **self.walk(operands),
            "first_zero_point": parameters(operands.inputs[0]).zero_point,
            "second_zero_point": parameters(operands.inputs[1]).zero_point,
            "output_zero_point": parameters(operands.output).zero_point,
            "shift": factor.shift,
            "multiplier": factor.multiplier,
        }
        scratch = 4 * width + depth * (self.transpose_first + (width, 0)[self.transpose_second])
        return KernelCall("batch_matmul", fields, scratch=scratch, keeps_scratch=len(shape) == 2)

    def walk(self, operands: Operands) -> dict[str, int]:
        """Members of a kernel's struct: sizes, and distances in values."""
        shape, depth = operands.output.shape, self.depth(operands)
        (height, width), one_row = shape[-2:], len(shape) == 2
        return {
            "batches": 1 if one_row else math.prod(shape[1:-2]),
            "height": 1 if one_row else height,
            "width": width,
            "depth": depth,
            "first_whole": int(not self._row_by_row(operands, 0)),
            "second_whole": int(not self._row_by_row(operands, 1)),
            "first_down": 1 if self.transpose_first else depth,
            "first_step": height if self.transpose_first else 1,
            "second_right": depth if self.transpose_second else 1,
            "second_step": 1 if self.transpose_second else width,
        }

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> BatchMatmul:
        """Which inputs are transposed.

        Raises:
            ModelError: an input is a constant.
        """
        refuse_constants(
            name,
            operands,
            expected="Expected two tensors that are computed.",
            hint="Use a dense layer, which is FULLY_CONNECTED.",
        )
        return cls(bool(options.adjX), bool(options.adjY))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """BATCH_MATMUL; version 2 has int8."""
        options = schema.BatchMatMulOptionsT()
        options.adjX, options.adjY = self.transpose_first, self.transpose_second
        return TfliteOperator(
            "BATCH_MATMUL", "BatchMatMulOptions", options, version=version(operands, 2)
        )


def _factor(operands: Operands, depth: int) -> Multiplier:
    """Scale * scale / output scale.

    Raises:
        ModelError: sums could exceed 32 bits.
    """
    first, second = (parameters(value).scale for value in operands.inputs)
    bits = 16 + depth.bit_length()
    return bounded_multiplier(first * second / parameters(operands.output).scale, bits, operands)
