"""AVERAGE_POOL_2D: padding does not count; rounds half away from zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinycomp.ir.fixed_point import divide_rounding, reciprocal
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._differentiable import activated, bordered
from tinycomp.ops._patches import padded, taps
from tinycomp.ops._pooling import Pooling
from tinycomp.ops._quantized import parameters, require_tied


@dataclass(frozen=True)
class AveragePool2D(Pooling):
    """Mean over a window."""

    name: ClassVar[str] = "average_pool_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("AVERAGE_POOL_2D",)
    keras_names: ClassVar[tuple[str, ...]] = ("AveragePooling2D",)
    phrase: ClassVar[str] = "An average pooling"

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The window's rows; a global pooling counts input rows."""
        if self.counts_input(operands):
            return first, last
        return self.window.rows(first, last, operands.inputs[0].shape[0])

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Sums of the cells inside the input, divided by their number."""
        (images,) = inputs
        require_tied("average_pool_2d", operands)
        height, width = operands.output.shape[:2]
        inside = np.ones((1, *images.shape[1:3], 1), np.int32)
        sums, counts = (
            sum(
                cell.astype(np.int32)
                for cell in taps(padded(x, self.window, 0), self.window, (height, width))
            )
            for x in (images, inside)
        )
        return self.clamp(divide_rounding(np.asarray(sums), np.asarray(counts)), operands)

    def counts_input(self, operands: Operands) -> bool:
        """Whether one window covers the whole input: then its kernel counts input rows."""
        whole = operands.inputs[0].shape[:2]
        return self.window.kernel == whole and operands.output.shape[:2] == (1, 1)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Sums over zero padding, divided by the number of cells inside."""
        from keras import ops

        height, width = operands.output.shape[:2]
        shape, kernel = operands.inputs[0].shape, self.window.kernel
        inside = padded(np.ones((1, *shape[:2], 1), np.float32), self.window, 0)
        counts = np.sum(list(taps(inside, self.window, (height, width))), axis=0)
        means = ops.average_pool(
            bordered(inputs[0], self.window, 0.0),
            kernel,
            self.window.stride,
            "valid",
            "channels_last",
        )
        return activated(means * (kernel[0] * kernel[1] / counts), self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """The reciprocal of a full window's cells avoids divisions for windows inside the input."""
        require_tied("average_pool_2d", operands)
        factor, shift = reciprocal(self.window.kernel[0] * self.window.kernel[1])
        if self.counts_input(operands):
            height, width, channels = operands.inputs[0].shape
            low, high = self.activation.clamp(parameters(operands.output))
            return KernelCall(
                "average_pool_global",
                {
                    "height": height, "width": width, "channels": channels,
                    "activation_min": low, "activation_max": high,
                    "reciprocal": factor, "reciprocal_shift": shift,
                },
                scratch=4 * channels,
                input_rows=True,
            )  # fmt: skip
        fields = self.fields(operands)
        return KernelCall(
            "average_pool_2d", {**fields, "reciprocal": factor, "reciprocal_shift": shift}
        )
