"""MEAN: the factor includes the division; rounds twice."""

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
from tinycomp.ops._reduction import Reduction, positions, within_rows


@dataclass(frozen=True)
class Mean(Reduction):
    """Mean along axes, by default over all positions of each channel (global average pooling)."""

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
        axes = tuple(1 + axis for axis in self.reduced(x.ndim - 1))
        sums = x.sum(axis=axes, dtype=np.int64)
        sums -= parameters(operands.activations[0]).zero_point * _count(operands)
        y = requantized(requantize(sums, *_factor(operands)), operands.output, Activation.NONE)
        return y.reshape(len(x), *operands.output.shape)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """A mean."""
        from keras import ops

        axes = tuple(1 + axis for axis in self.reduced(len(operands.inputs[0].shape)))
        return ops.reshape(ops.mean(inputs[0], axis=axes), (-1, *operands.output.shape))

    def kernel(self, operands: Operands) -> KernelCall:
        """Sums in scratch, int32, or one after the other where each row has its own."""
        factor = _factor(operands)
        source, target = parameters(operands.activations[0]), parameters(operands.output)
        last = {
            "offset": -source.zero_point * _count(operands),
            "multiplier": factor.multiplier,
            "shift": factor.shift,
            "zero_point": target.zero_point,
        }
        inside = within_rows(operands, self)
        if inside is not None:
            return KernelCall("mean_rows", {**inside, **last})
        height, width, channels = positions(operands, self)
        fields = {"height": height, "width": width, "channels": channels, **last}
        return KernelCall("mean", fields, scratch=4 * channels, input_rows=True)


def _count(operands: Operands) -> int:
    """The number of cells that a mean is of."""
    return operands.activations[0].size // operands.output.size


def _factor(operands: Operands) -> Multiplier:
    """input scale / output scale / count: LiteRT divides the integer multiplier, truncating."""
    count = _count(operands)
    source, target = parameters(operands.activations[0]), parameters(operands.output)
    multiplier, shift = bounded_multiplier(source.scale / target.scale, 9, operands)
    raised = min(count.bit_length() - 1, 32, 31 + shift)
    return Multiplier((multiplier << raised) // count, shift - raised)
