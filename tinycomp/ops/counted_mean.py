"""The mean of the rows that count by a mask. Input and output share one scale and zero point; the
mask has its own.

LiteRT computes it on int32: the sum of the stored values without their zero point, plus half the
number of rows, divided by that number and rounded down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._masking import mean_graph
from tinycomp.ops._quantized import parameters


@dataclass(frozen=True)
class CountedMean(Operator):
    """The mean of (steps, channels) over the steps whose mask (steps, 1) is not zero; zeros if
    there are none.
    """

    name: ClassVar[str] = "counted_mean"
    untied: ClassVar[tuple[int, ...]] = (1,)

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(channels).

        Raises:
            ModelError: the input has other axes, or the mask does not fit it.
        """
        source, mask = inputs
        if len(source) != 2 or mask != (source[0], 1):
            raise ModelError(
                f"A mean of counted rows got shapes {source} and {mask}.",
                expected="Expected (steps, channels), and a mask (steps, 1).",
            )
        return (source[1],)

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """None: sums alone."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Half up."""
        x, mask = inputs
        source, of_mask = (parameters(each) for each in operands.activations)
        counts = (mask != of_mask.zero_point).astype(np.int64)
        number = np.maximum(counts.sum(axis=1), 1)
        sums = ((x.astype(np.int64) - source.zero_point) * counts).sum(axis=1)
        found: Array = (sums + number // 2) // number + source.zero_point
        return found.astype(np.int8)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        from keras import ops

        x, mask = inputs
        counts = ops.cast(mask != 0, x.dtype)
        return ops.sum(x * counts, axis=1) / ops.maximum(ops.sum(counts, axis=1), 1)

    def kernel(self, operands: Operands) -> KernelCall:
        """Sums in scratch, int32."""
        source, mask = operands.activations
        steps, channels = source.shape
        fields = {
            "steps": steps,
            "channels": channels,
            "mask_zero": parameters(mask).zero_point,
            "zero_point": parameters(source).zero_point,
        }
        return KernelCall("counted_mean", fields, scratch=4 * channels)

    def expansion(self, operands: Operands) -> Graph:
        """Sums and counts apart."""
        return mean_graph(operands)
