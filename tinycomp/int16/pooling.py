"""AVERAGE_POOL_2D and MAX_POOL_2D on int16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np

from tinycomp.int16._form import LOWEST, Form, bounds, clamped
from tinycomp.ir.fixed_point import divide_rounding
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._patches import padded, taps
from tinycomp.ops._quantized import require_tied


@dataclass(frozen=True)
class MaxPool2DInt16(Form):
    """Maximum over a window."""

    operators: ClassVar[tuple[str, ...]] = ("max_pool_2d",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Padding is the smallest value, so it never wins."""
        require_tied(self.op.name, operands)
        height, width, _ = operands.output.shape
        cells = taps(padded(inputs[0], self.op.window, LOWEST), self.op.window, (height, width))
        return clamped(reduce(np.maximum, cells), self.op.activation, operands.output)

    def kernel(self, operands: Operands) -> KernelCall:
        """Windows are clipped at borders."""
        require_tied(self.op.name, operands)
        return KernelCall("max_pool_2d_int16", _fields(self, operands))


@dataclass(frozen=True)
class AveragePool2DInt16(Form):
    """Mean over a window; padding does not count."""

    operators: ClassVar[tuple[str, ...]] = ("average_pool_2d",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Sums of the cells inside the input, divided by their number."""
        (images,) = inputs
        require_tied(self.op.name, operands)
        height, width, _ = operands.output.shape
        inside = np.ones((1, *images.shape[1:3], 1), np.int64)
        window = self.op.window
        sums, counts = (
            sum(taps(padded(x, window, 0), window, (height, width)), np.zeros(1, np.int64))
            for x in (images, inside)
        )
        means = divide_rounding(sums, counts)
        return clamped(means, self.op.activation, operands.output)

    def kernel(self, operands: Operands) -> KernelCall:
        """A global pooling takes input rows as they come."""
        require_tied(self.op.name, operands)
        if not self.op.counts_input(operands):
            return KernelCall("average_pool_2d_int16", _fields(self, operands))
        height, width, channels = operands.inputs[0].shape
        low, high = bounds(self.op.activation, operands.output)
        fields = {
            "height": height, "width": width, "channels": channels,
            "activation_min": low, "activation_max": high,
        }  # fmt: skip
        return KernelCall(
            "average_pool_global_int16", fields, scratch=4 * channels, input_rows=True
        )


def _fields(form: Form, operands: Operands) -> dict[str, int]:
    """The members of both kernels' structs."""
    low, high = bounds(form.op.activation, operands.output)
    return {**form.op.fields(operands), "activation_min": low, "activation_max": high}
