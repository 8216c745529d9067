"""MAX_POOL_2D: padding is ignored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._differentiable import activated, bordered
from tinycomp.ops._patches import padded, taps
from tinycomp.ops._pooling import Pooling
from tinycomp.ops._quantized import require_tied


@dataclass(frozen=True)
class MaxPool2D(Pooling):
    """Maximum over a window."""

    name: ClassVar[str] = "max_pool_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("MAX_POOL_2D",)
    keras_names: ClassVar[tuple[str, ...]] = ("MaxPooling2D",)
    phrase: ClassVar[str] = "A max pooling"

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Padding is the smallest value, so it never wins."""
        (images,) = inputs
        require_tied("max_pool_2d", operands)
        height, width = operands.output.shape[:2]
        cells = taps(padded(images, self.window, -128), self.window, (height, width))
        return self.clamp(reduce(np.maximum, cells), operands)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Padding is the smallest number, so it never wins."""
        from keras import ops

        images = bordered(inputs[0], self.window, float(np.finfo(np.float32).min))
        found = ops.max_pool(
            images, self.window.kernel, self.window.stride, "valid", "channels_last"
        )
        return activated(found, self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """Windows are clipped at borders."""
        require_tied("max_pool_2d", operands)
        return KernelCall("max_pool_2d", self.fields(operands))
