"""DEPTHWISE_CONV_2D: weights (1, height, width, channels); rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall, Member, Weights
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._differentiable import activated, convolved
from tinycomp.ops._keras import bias, keras_window, weight
from tinycomp.ops._patches import padded, taps, window_output
from tinycomp.ops._quantized import parameters
from tinycomp.ops._tflite import padding_before, read_activation, read_window, version, write_window
from tinycomp.ops._weighted import (
    folded_bias,
    layer_cost,
    requantized_twice,
    require_constants,
    twice_fields,
    weights_and_bias,
    window_fields,
)
from tinycomp.ops._window import Window

BLOCK = 4
"""Channels that the kernel decodes and computes together (TC_DEPTHWISE_CHANNELS)."""


@dataclass(frozen=True)
class DepthwiseConv2D(Operator):
    """Convolution of each channel; output channel c reads input channel c // multiplier."""

    name: ClassVar[str] = "depthwise_conv_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("DEPTHWISE_CONV_2D",)
    keras_names: ClassVar[tuple[str, ...]] = ("DepthwiseConv2D",)
    weight_axis: ClassVar[int | None] = 3

    window: Window
    """The window that each output is computed from."""
    multiplier: int = 1
    """Output channels for each input channel."""
    activation: Activation = Activation.NONE
    """Applied to the result."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(height, width, channels * multiplier) from (height, width, channels), weights, bias."""
        image, weights, bias = inputs
        name = "A depthwise convolution"
        height, width = window_output(name, self.window, image)
        channels = image[2] * self.multiplier
        require_constants(name, weights, bias, channels, "1, height, width, channels")
        if weights != (1, *self.window.kernel, channels):
            raise ModelError(
                f"{name} has weights of shape {weights} over an input of {image[2]} channels.",
                expected=f"Expected weights of shape {(1, *self.window.kernel, channels)}.",
            )
        return height, width, channels

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The window's rows."""
        return self.window.rows(first, last, operands.inputs[0].shape[0])

    def output_range(self, operands: Operands) -> OutputRange:
        """Free, bounded by the activation."""
        return OutputRange(limit=self.activation.bounds[1])

    def cost(self, operands: Operands) -> Cost:
        """One sum of a window's products for each output."""
        height, width = self.window.kernel
        return layer_cost(operands, operands.output.size, height * width)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """One cell of the window after the other, all channels at once, in int32."""
        (images,) = inputs
        zero_point = parameters(operands.activations[0]).zero_point
        output = operands.output.shape[:2]
        cells = taps(padded(images, self.window, zero_point), self.window, (output[0], output[1]))
        matrix = _channel_major(operands)
        sums = np.zeros((len(images), *operands.output.shape), np.int32)
        for cell, weights in zip(cells, matrix.T.astype(np.int32), strict=True):
            sums += np.repeat(cell, self.multiplier, axis=-1) * weights
        return requantized_twice(sums + folded_bias(operands, matrix), operands, self.activation)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """A convolution of each channel, its bias, its activation."""
        from keras import ops

        image, weights, bias = inputs
        height, width, channels = operands.inputs[0].shape
        kernel = ops.reshape(weights, (*self.window.kernel, channels, self.multiplier))
        sums = convolved(image, kernel, self.window, (height, width), ops.depthwise_conv) + bias
        return activated(sums, self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """Scratch is a block's window, where it hangs over a border, and its weights."""
        matrix = _channel_major(operands)
        image, output = operands.activations[0].shape, operands.output.shape
        codebook = weights_and_bias(operands)[0].codebook
        block = BLOCK if self.multiplier == 1 else 1  # channels that share an input come singly
        fields: dict[str, Member] = {
            "input_height": image[0],
            "input_width": image[1],
            "input_channels": image[2],
            "output_width": output[1],
            "channel_multiplier": self.multiplier,
            **window_fields("A depthwise convolution", self.window),
            "input_zero_point": parameters(operands.activations[0]).zero_point,
            **twice_fields(operands, Weights(matrix, block, codebook), self.activation),
        }
        return KernelCall("depthwise_conv_2d", fields, scratch=2 * BLOCK * matrix.shape[1])

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """Kernel size and multiplier from the weights' shape; the option is a legacy copy."""
        _, height, width, channels = operands.constants[0].shape
        window = read_window(options, operands, (height, width))
        multiplier = channels // operands.activations[0].shape[-1]
        return cls(
            window,
            multiplier,
            read_activation(operands.output.name, options.fusedActivationFunction),
        )

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Kernel (height, width, in, multiplier)."""
        kernel = layer.weights["kernel"]
        height, width, channels, multiplier = kernel.shape
        found = keras_window(layer, builder.tensors[inputs[0]].shape, (height, width))
        values = kernel.reshape(1, height, width, channels * multiplier)
        weights = weight(builder, layer, "kernel", values)
        sums = bias(builder, layer, channels * multiplier)
        return builder.add(cls(found, multiplier), [inputs[0], weights, sums], layer.name)

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """With a PAD in front where the padding has no name in TFLite."""
        before = padding_before(self.window, operands)
        scheme = self.window.scheme(operands.activations[0].shape) or "VALID"
        options = write_window(schema.DepthwiseConv2DOptionsT(), self.window, scheme)
        options.depthMultiplier = self.multiplier
        options.fusedActivationFunction = self.activation.value
        return (
            *before,
            TfliteOperator(
                "DEPTHWISE_CONV_2D",
                "DepthwiseConv2DOptions",
                options,
                version=version(operands, 3),
                reads=(1, 2) if before else None,
            ),
        )


def _channel_major(operands: Operands) -> NDArray[np.int8]:
    """The weights as (channels, kernel height * width): a block of channels lies together."""
    values = operands.constants[0].values
    return np.ascontiguousarray(values.reshape(-1, values.shape[-1]).T)
