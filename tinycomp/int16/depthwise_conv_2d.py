"""DEPTHWISE_CONV_2D on int16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.int16._form import Form
from tinycomp.int16._weighted import biases, last_fields, requantized
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._patches import padded, taps
from tinycomp.ops._weighted import weights_and_bias, window_fields
from tinycomp.ops.conv_2d import BLOCK


@dataclass(frozen=True)
class DepthwiseConv2DInt16(Form):
    """Zero padding is zeros, as the zero point is 0."""

    operators: ClassVar[tuple[str, ...]] = ("depthwise_conv_2d",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """One window cell after the other."""
        (images,) = inputs
        weights, _ = weights_and_bias(operands)
        cells = weights.values.reshape(-1, weights.shape[-1]).astype(np.int64)
        height, width, _ = operands.output.shape
        views = taps(padded(images, self.op.window, 0), self.op.window, (height, width))
        sums: Array = np.zeros(1, np.int64) + biases(operands, cells.T.astype(np.int8))
        for cell, view in zip(cells, views, strict=True):
            sums = sums + view.astype(np.int64).repeat(self.op.multiplier, axis=-1) * cell
        return requantized(sums, operands, self.op.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """The weights of a block of channels lie channel by channel."""
        weights, _ = weights_and_bias(operands)
        matrix = np.ascontiguousarray(weights.values.reshape(-1, weights.shape[-1]).T)
        image, output = operands.activations[0].shape, operands.output.shape
        return KernelCall(
            "depthwise_conv_2d_int16",
            {
                "input_height": image[0],
                "input_width": image[1],
                "input_channels": image[2],
                "output_width": output[1],
                "channel_multiplier": self.op.multiplier,
                **window_fields("A depthwise convolution", self.op.window),
                **last_fields(
                    operands, Weights(matrix, BLOCK, weights.codebook), self.op.activation
                ),
            },
        )
