"""CONV_2D on int16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tinycomp.int16._form import Form
from tinycomp.int16._weighted import biases, exact_sums, last_fields, requantized
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._patches import padded, patches
from tinycomp.ops._weighted import weights_and_bias, window_fields
from tinycomp.ops.conv_2d import BLOCK


@dataclass(frozen=True)
class Conv2DInt16(Form):
    """Zero padding is zeros, as the zero point is 0."""

    operators: ClassVar[tuple[str, ...]] = ("conv_2d",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Windows as rows of a matrix."""
        (images,) = inputs
        weights, _ = weights_and_bias(operands)
        matrix = weights.values.reshape(len(weights.values), -1)
        height, width, _ = operands.output.shape
        window = self.op.window
        rows = patches(padded(images, window, 0), window, (height, width))
        sums = exact_sums(rows, matrix) + biases(operands, matrix)
        return requantized(sums, operands, self.op.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """Scratch is one window, where one that hangs over a border is gathered."""
        weights, _ = weights_and_bias(operands)
        matrix = weights.values.reshape(len(weights.values), -1)
        image, output = operands.activations[0].shape, operands.output.shape
        return KernelCall(
            "conv_2d_int16",
            {
                "input_height": image[0],
                "input_width": image[1],
                "input_channels": image[2],
                "output_width": output[1],
                "output_channels": output[2],
                **window_fields("A convolution", self.op.window),
                **last_fields(
                    operands, Weights(matrix, BLOCK, weights.codebook), self.op.activation
                ),
            },
            scratch=2 * matrix.shape[1] + matrix.shape[1] % 2 * 2,
        )
