"""MAX_POOL_2D: padding does not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._keras import keras_window, pair
from tinycomp.ops._patches import padded, taps, window_output
from tinycomp.ops._pooling import pool_fields, pooling_scheme
from tinycomp.ops._quantized import parameters, require_tied
from tinycomp.ops._tflite import read_activation, read_window, version, write_window
from tinycomp.ops._window import Window


@dataclass(frozen=True)
class MaxPool2D(Operator):
    """Maximum over a window."""

    name: ClassVar[str] = "max_pool_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("MAX_POOL_2D",)
    keras_names: ClassVar[tuple[str, ...]] = ("MaxPooling2D",)

    window: Window
    activation: Activation = Activation.NONE

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(height, width, channels) from the same."""
        (image,) = inputs
        return (*window_output("A max pooling", self.window, image), image[2])

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The window's rows."""
        return self.window.rows(first, last, operands.inputs[0].shape[0])

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's: a maximum is one of its values."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No products."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Padding is the smallest value, so it never wins."""
        (images,) = inputs
        require_tied("max_pool_2d", operands)
        height, width = operands.output.shape[:2]
        cells = taps(padded(images, self.window, -128), self.window, (height, width))
        low, high = self.activation.clamp(parameters(operands.output))
        return np.minimum(np.maximum(reduce(np.maximum, cells), np.int8(low)), np.int8(high))

    def kernel(self, operands: Operands) -> KernelCall:
        """A window that hangs over a border is cut off there."""
        require_tied("max_pool_2d", operands)
        return KernelCall("max_pool_2d", pool_fields(self.window, self.activation, operands))

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """Kernel size from the options."""
        window = read_window(options, operands, (options.filterHeight, options.filterWidth))
        return cls(window, read_activation(operands.output.name, options.fusedActivationFunction))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """The stride is the window's size where none is given."""
        shape = builder.tensors[inputs[0]].shape
        found = keras_window(layer, shape, pair(layer.config["pool_size"]))
        return builder.add(cls(found), inputs, layer.name)

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """SAME or VALID only."""
        options = schema.Pool2DOptionsT()
        write_window(options, self.window, pooling_scheme(self.window, operands))
        options.filterHeight, options.filterWidth = self.window.kernel
        options.fusedActivationFunction = self.activation.value
        return TfliteOperator("MAX_POOL_2D", "Pool2DOptions", options, version=version(operands, 2))
