"""REDUCE_MAX over height and width: global max pooling. Keeps scale and zero point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import OutputRange
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._reduction import Reduction, positions


@dataclass(frozen=True)
class ReduceMax(Reduction):
    """Maximum over all positions of each channel."""

    name: ClassVar[str] = "reduce_max"
    tflite_names: ClassVar[tuple[str, ...]] = ("REDUCE_MAX",)
    keras_names: ClassVar[tuple[str, ...]] = ("GlobalMaxPooling2D",)
    phrase: ClassVar[str] = "A maximum"

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's."""
        return OutputRange(tied=True)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The maximum of the stored values."""
        (x,) = inputs
        require_tied(self.name, operands)
        maxima: Array = x.max(axis=tuple(range(1, x.ndim - 1)))
        return maxima.reshape(len(x), *operands.output.shape)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """A maximum."""
        from keras import ops

        axes = tuple(range(1, len(operands.inputs[0].shape)))
        return ops.max(inputs[0], axis=axes, keepdims=self.keep_dims)

    def kernel(self, operands: Operands) -> KernelCall:
        """Maxima in scratch."""
        require_tied(self.name, operands)
        height, width, channels = positions(operands)
        fields = {"height": height, "width": width, "channels": channels}
        return KernelCall("reduce_max", fields, scratch=channels, input_rows=True)
