"""FULLY_CONNECTED: weights (out, in) on the last axis; rounds once (in float64 in LiteRT)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import exact_multiplier, scale_and_round
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._differentiable import activated
from tinycomp.ops._keras import bias, weight
from tinycomp.ops._quantized import parameters, requantized
from tinycomp.ops._rows import same_rows
from tinycomp.ops._tflite import read_activation, version
from tinycomp.ops._weighted import (
    channel_scales,
    exact_products,
    folded_bias,
    layer_cost,
    require_constants,
    weights_and_bias,
)

BLOCK = 4
"""Output channels that the kernel decodes and computes together (TC_DOT_CHANNELS in dot.h)."""


@dataclass(frozen=True)
class FullyConnected(Operator):
    """A dense layer."""

    name: ClassVar[str] = "fully_connected"
    tflite_names: ClassVar[tuple[str, ...]] = ("FULLY_CONNECTED",)
    keras_names: ClassVar[tuple[str, ...]] = ("Dense",)
    weight_axis: ClassVar[int | None] = 0

    activation: Activation = Activation.NONE
    """Applied to the result."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(..., out) from (..., in), weights (out, in), bias (out,)."""
        source, weights, bias = inputs
        require_constants("A dense layer", weights, bias, weights[0], "out, in")
        if not source or source[-1] != weights[1]:
            raise ModelError(
                f"A dense layer has weights of shape {weights} over an input of shape {source}.",
                expected=f"Expected an input whose last axis has {weights[1]} values.",
                hint="Flatten the input first.",
            )
        return (*source[:-1], weights[0])

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows."""
        return same_rows(self, operands, index, first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """Free, bounded by the activation."""
        return OutputRange(limit=self.activation.bounds[1])

    def cost(self, operands: Operands) -> Cost:
        """One sum over the input's last axis for each output."""
        return layer_cost(operands, operands.output.size, operands.constants[0].shape[1])

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """A matrix product; each sum is scaled and rounded once."""
        (rows,) = inputs
        matrix = weights_and_bias(operands)[0].values
        sums = exact_products(rows, matrix) + folded_bias(operands, matrix)
        scales = channel_scales(operands, len(matrix))
        return requantized(scale_and_round(sums, scales), operands.output, self.activation)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """A product with a matrix, the bias, the activation."""
        from keras import ops

        source, weights, bias = inputs
        return activated(ops.matmul(source, ops.transpose(weights)) + bias, self.activation)

    def kernel(self, operands: Operands) -> KernelCall:
        """Multipliers whose one integer rounding gives the reference's output for every sum."""
        weights, _ = weights_and_bias(operands)
        target = parameters(operands.output)
        low, high = self.activation.clamp(target)
        scales, channels = np.unique(
            channel_scales(operands, len(weights.values)), return_inverse=True
        )
        factors = exact_multiplier(scales, low - target.zero_point, high - target.zero_point)
        extension = factors.extension[channels]
        shape = operands.output.shape
        return KernelCall(
            "fully_connected",
            {
                "width": math.prod(shape[1:-1]),
                "input_size": weights.shape[1],
                "output_size": weights.shape[0],
                "extended": int(extension.any()),
                "output_zero_point": target.zero_point,
                "activation_min": low,
                "activation_max": high,
                "weights": Weights(weights.values, BLOCK, weights.codebook),
                "constants": Channels(
                    folded_bias(operands, weights.values),
                    factors.shift[channels],
                    factors.multiplier[channels],
                ),
                "extension": extension if extension.any() else 0,
            },
        )

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """Only the default layout of weights."""
        if options.weightsFormat != schema.FullyConnectedOptionsWeightsFormat.DEFAULT:
            raise ModelError(
                f"{operands.output.name!r} (FULLY_CONNECTED) has shuffled weights.",
                expected="Expected the default layout.",
            )
        return cls(read_activation(operands.output.name, options.fusedActivationFunction))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Kernel (in, out)."""
        kernel = layer.weights["kernel"]
        weights = weight(builder, layer, "kernel", kernel.T)
        sums = bias(builder, layer, kernel.shape[1])
        return builder.add(cls(), [inputs[0], weights, sums], layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """Leading axes are kept; LiteRT would flatten them into the batch otherwise."""
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = self.activation.value
        options.keepNumDims = len(operands.output.shape) > 1
        newer = 5 if options.keepNumDims else 4
        return TfliteOperator(
            "FULLY_CONNECTED", "FullyConnectedOptions", options, version=version(operands, newer)
        )
