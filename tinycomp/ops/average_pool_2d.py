"""AVERAGE_POOL_2D: padding does not count; rounds half away from zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.fixed_point import divide_rounding, reciprocal
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
class AveragePool2D(Operator):
    """Mean over a window."""

    name: ClassVar[str] = "average_pool_2d"
    tflite_names: ClassVar[tuple[str, ...]] = ("AVERAGE_POOL_2D",)
    keras_names: ClassVar[tuple[str, ...]] = ("AveragePooling2D",)

    window: Window
    activation: Activation = Activation.NONE

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(height, width, channels) from the same."""
        (image,) = inputs
        return (*window_output("An average pooling", self.window, image), image[2])

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The window's rows; a global pooling counts its input's."""
        if self._is_global(operands):
            return first, last
        return self.window.rows(first, last, operands.inputs[0].shape[0])

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's: a mean never leaves it."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No products."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Sums of what lies inside the input, divided by how many cells that is."""
        (images,) = inputs
        require_tied("average_pool_2d", operands)
        height, width = operands.output.shape[:2]
        inside = np.ones((1, *images.shape[1:3], 1), np.int32)
        sums, counts = (
            sum(
                cell.astype(np.int32)
                for cell in taps(padded(x, self.window, 0), self.window, (height, width))
            )
            for x in (images, inside)
        )
        low, high = self.activation.clamp(parameters(operands.output))
        means = divide_rounding(np.asarray(sums), np.asarray(counts))
        return np.minimum(np.maximum(means, low), high).astype(np.int8)

    def _is_global(self, operands: Operands) -> bool:
        """Whether one window lies over the whole input."""
        whole = operands.inputs[0].shape[:2]
        return self.window.kernel == whole and operands.output.shape[:2] == (1, 1)

    def kernel(self, operands: Operands) -> KernelCall:
        """The reciprocal of a whole window spares the division wherever the window lies inside."""
        require_tied("average_pool_2d", operands)
        factor, shift = reciprocal(self.window.kernel[0] * self.window.kernel[1])
        if self._is_global(operands):
            height, width, channels = operands.inputs[0].shape
            low, high = self.activation.clamp(parameters(operands.output))
            return KernelCall(
                "average_pool_global",
                {
                    "height": height, "width": width, "channels": channels,
                    "activation_min": low, "activation_max": high,
                    "reciprocal": factor, "reciprocal_shift": shift,
                },
                scratch=4 * channels,
                input_rows=True,
            )  # fmt: skip
        fields = pool_fields(self.window, self.activation, operands)
        return KernelCall(
            "average_pool_2d", {**fields, "reciprocal": factor, "reciprocal_shift": shift}
        )

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
        return TfliteOperator(
            "AVERAGE_POOL_2D", "Pool2DOptions", options, version=version(operands, 2)
        )
