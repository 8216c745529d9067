"""Base class of poolings over windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._keras import keras_window, pair
from tinycomp.ops._patches import window_output
from tinycomp.ops._quantized import parameters
from tinycomp.ops._tflite import read_activation, read_window, version, write_window
from tinycomp.ops._window import Window


@dataclass(frozen=True)
class Pooling(Operator):
    """One value per channel from each window; cells outside the input are ignored.

    A subclass imports one builtin and implements `reference` and `kernel`.
    """

    phrase: ClassVar[str]
    """Name in error messages, "An average pooling"."""

    window: Window
    """The sliding window."""
    activation: Activation = Activation.NONE
    """Applied to the result."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(height, width, channels) from the same."""
        (image,) = inputs
        return (*window_output(self.phrase, self.window, image), image[2])

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The window's rows."""
        return self.window.rows(first, last, operands.inputs[0].shape[0])

    def output_range(self, operands: Operands) -> OutputRange:
        """The input's: neither a mean nor a maximum leaves it."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No products."""
        return Cost()

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Self:
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
        """SAME or VALID only; version 2 has int8."""
        options = schema.Pool2DOptionsT()
        write_window(options, self.window, _scheme(self.window, operands))
        options.filterHeight, options.filterWidth = self.window.kernel
        options.fusedActivationFunction = self.activation.value
        (builtin,) = self.tflite_names
        return TfliteOperator(builtin, "Pool2DOptions", options, version=version(operands, 2))

    def fields(self, operands: Operands) -> Mapping[str, int]:
        """Shapes, window and bounds, in the order of the kernels' structs."""
        height, width, channels = operands.activations[0].shape
        top, left, _, _ = self.window.padding
        low, high = self.activation.clamp(parameters(operands.output))
        return {
            "input_height": height,
            "input_width": width,
            "channels": channels,
            "output_width": operands.output.shape[1],
            "kernel_height": self.window.kernel[0],
            "kernel_width": self.window.kernel[1],
            "stride_height": self.window.stride[0],
            "stride_width": self.window.stride[1],
            "padding_top": top,
            "padding_left": left,
            "activation_min": low,
            "activation_max": high,
        }

    def clamp(self, values: Array, operands: Operands) -> NDArray[np.int8]:
        """Integers clamped to the activation's bounds."""
        low, high = self.activation.clamp(parameters(operands.output))
        # Lower bound first, like the kernels: an empty range (low > high) gives `high`.
        bounded: Array = np.minimum(np.maximum(values, low), high)
        return bounded.astype(np.int8)


def _scheme(window: Window, operands: Operands) -> str:
    """SAME or VALID for a pooling.

    Raises:
        ModelError: the padding is neither; an explicit PAD would take part in the pooling.
    """
    scheme = window.scheme(operands.activations[0].shape)
    if scheme is None:
        raise ModelError(
            f"{operands.output.name!r} pools with the padding {window.padding} "
            "(top, left, bottom, right).",
            expected='Expected "same" or "valid", as TFLite has no other.',
            hint="Pad with a separate layer, or pool without padding.",
        )
    return scheme
