"""MEAN over height and width: global average pooling. The factor includes the division; rounds
twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinycomp.ir.fixed_point import Multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import OutputRange
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._activation import Activation
from tinycomp.ops._factor import bounded_multiplier
from tinycomp.ops._quantized import parameters, requantized
from tinycomp.ops._reduction import Reduction, positions


@dataclass(frozen=True)
class Mean(Reduction):
    """Mean over all positions of each channel."""

    name: ClassVar[str] = "mean"
    tflite_names: ClassVar[tuple[str, ...]] = ("MEAN",)
    keras_names: ClassVar[tuple[str, ...]] = ("GlobalAveragePooling2D",)
    phrase: ClassVar[str] = "A mean"

    def output_range(self, operands: Operands) -> OutputRange:
        """Free."""
        return OutputRange()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Sums without zero points, rescaled."""
        (x,) = inputs
        height, width, _ = positions(operands)
        source = parameters(operands.activations[0])
        sums = x.sum(axis=tuple(range(1, x.ndim - 1)), dtype=np.int64)
        sums -= source.zero_point * height * width
        y = requantized(requantize(sums, *_factor(operands)), operands.output, Activation.NONE)
        return y.reshape(len(x), *operands.output.shape)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """A mean."""
        from keras import ops

        axes = tuple(range(1, len(operands.inputs[0].shape)))
        return ops.mean(inputs[0], axis=axes, keepdims=self.keep_dims)

    def kernel(self, operands: Operands) -> KernelCall:
        """Sums in scratch, int32."""
        height, width, channels = positions(operands)
        factor = _factor(operands)
        source, target = parameters(operands.activations[0]), parameters(operands.output)
        fields = {
            "height": height,
            "width": width,
            "channels": channels,
            "offset": -source.zero_point * height * width,
            "multiplier": factor.multiplier,
            "shift": factor.shift,
            "zero_point": target.zero_point,
        }
        return KernelCall("mean", fields, scratch=4 * channels, input_rows=True)


def _factor(operands: Operands) -> Multiplier:
    """input scale / output scale / positions: LiteRT divides the integer multiplier, truncating."""
    height, width, _ = positions(operands)
    source, target = parameters(operands.activations[0]), parameters(operands.output)
    multiplier, shift = bounded_multiplier(source.scale / target.scale, 9, operands)
    count = height * width
    raised = min((count).bit_length() - 1, 32, 31 + shift)
    return Multiplier((multiplier << raised) // count, shift - raised)
