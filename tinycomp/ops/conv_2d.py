"""CONV_2D: weights (out, height, width, in); rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall, Member, Weights
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._differentiable import activated, convolved
from tinycomp.ops._keras import bias, keras_window, weight
from tinycomp.ops._patches import padded, patches, window_output
from tinycomp.ops._quantized import parameters
from tinycomp.ops._tflite import padding_before, read_activation, read_window, version, write_window
from tinycomp.ops._weighted import (
    exact_products,
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
"""Output channels that the kernel decodes and computes together (TC_DOT_CHANNELS in dot.h)."""


@dataclass(frozen=True)
class Conv2D(Operator):
    """Convolution over height and width."""

    name: ClassVar[str] = "conv_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("CONV_2D", "TRANSPOSE_CONV")
    keras_names: ClassVar[tuple[str, ...]] = ("Conv2D",)
    weight_axis: ClassVar[int | None] = 0

    window: Window
    """The window that each output is computed from."""
    activation: Activation = Activation.NONE
    """Applied to the result."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(height, width, out) from (height, width, in), weights (out, ..., in), bias (out,)."""
        image, weights, bias = inputs
        height, width = window_output("A convolution", self.window, image)
        require_constants("A convolution", weights, bias, weights[0], "out, height, width, in")
        if weights[1:] != (*self.window.kernel, image[2]):
            raise ModelError(
                f"A convolution has weights {weights} over an input of {image[2]} channels.",
                expected=(
                    f"Expected weights of shape {(weights[0], *self.window.kernel, image[2])}."
                ),
            )
        return height, width, weights[0]

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The window's rows."""
        return self.window.rows(first, last, operands.inputs[0].shape[0])

    def output_range(self, operands: Operands) -> OutputRange:
        """Free, bounded by the activation."""
        return OutputRange(limit=self.activation.bounds[1])

    def cost(self, operands: Operands) -> Cost:
        """One sum of a window's products for each output."""
        return layer_cost(operands, operands.output.size, operands.constants[0].values[0].size)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Windows as rows of a matrix, padded with the zero point."""
        (images,) = inputs
        weights, _ = weights_and_bias(operands)
        matrix = weights.values.reshape(len(weights.values), -1)
        zero_point = parameters(operands.activations[0]).zero_point
        output = operands.output.shape[:2]
        rows = patches(padded(images, self.window, zero_point), self.window, (output[0], output[1]))
        sums = exact_products(rows, matrix) + folded_bias(operands, matrix)
        return requantized_twice(sums, operands, self.activation)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """A convolution, its bias, its activation."""
        from keras import ops

        image, weights, bias = inputs
        size = operands.inputs[0].shape
        kernel = ops.transpose(weights, (1, 2, 3, 0))
        sums = convolved(image, kernel, self.window, (size[0], size[1]), ops.conv) + bias
        return activated(sums, self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """Scratch is one window, where one that hangs over a border is gathered."""
        weights, _ = weights_and_bias(operands)
        matrix = weights.values.reshape(len(weights.values), -1)
        image, output = operands.activations[0].shape, operands.output.shape
        fields: dict[str, Member] = {
            "input_height": image[0],
            "input_width": image[1],
            "input_channels": image[2],
            "output_width": output[1],
            "output_channels": output[2],
            **window_fields("A convolution", self.window),
            "input_zero_point": parameters(operands.activations[0]).zero_point,
            **twice_fields(operands, Weights(matrix, BLOCK, weights.codebook), self.activation),
        }
        return KernelCall("conv_2d", fields, scratch=matrix.shape[1])

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """Kernel size from the weights' shape."""
        _, height, width, _ = operands.constants[0].shape
        window = read_window(options, operands, (height, width))
        return cls(window, read_activation(operands.output.name, options.fusedActivationFunction))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Kernel (height, width, in, out); of groups, each is a layer of its own."""
        kernel = layer.weights["kernel"]
        shape = builder.tensors[inputs[0]].shape
        found = keras_window(layer, shape, (kernel.shape[0], kernel.shape[1]))
        weights = weight(builder, layer, "kernel", kernel.transpose(3, 0, 1, 2))
        sums = bias(builder, layer, kernel.shape[3])
        return builder.add(cls(found), [inputs[0], weights, sums], layer.name)

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """With a PAD in front where the padding has no name in TFLite."""
        before = padding_before(self.window, operands)
        scheme = self.window.scheme(operands.activations[0].shape) or "VALID"
        options = write_window(schema.Conv2DOptionsT(), self.window, scheme)
        options.fusedActivationFunction = self.activation.value
        return (
            *before,
            TfliteOperator(
                "CONV_2D",
                "Conv2DOptions",
                options,
                version=version(operands, 3),
                reads=(1, 2) if before else None,
            ),
        )
