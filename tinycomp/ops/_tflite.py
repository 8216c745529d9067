"""Conversion between the IR and TFLite: padding, fused activations, versions."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window

LARGEST_PADDED = 1 << 24
"""Maximum values of a padded input: more is due to an absurd window."""


def read_activation(name: str, code: int) -> Activation:
    """The fused activation with a number of TFLite.

    Raises:
        ModelError: it is not in the int8 specification.
    """
    try:
        return Activation(code)
    except ValueError:
        raise ModelError(
            f"{name!r} has the fused activation number {code}, which is not supported.",
            expected="Expected None, RELU, RELU_N1_TO_1 or RELU6.",
            hint="Make the activation a separate layer.",
        ) from None


def read_window(options: Any, operands: Operands, kernel: tuple[int, int]) -> Window:
    """The window of an option table with padding, strides and, for convolutions, dilations.

    Raises:
        ModelError: a number is out of its range.
    """
    name, shape = operands.output.name, operands.activations[0].shape
    dilation = (getattr(options, "dilationHFactor", 1), getattr(options, "dilationWFactor", 1))
    stride = (options.strideH, options.strideW)
    for what, pair in (("stride", stride), ("dilation", dilation), ("window", kernel)):
        if min(pair) < 1:
            raise ModelError(
                f"{name!r} has the {what} {pair}.", expected="Expected numbers from 1."
            )
    if options.padding not in (schema.Padding.SAME, schema.Padding.VALID):
        raise ModelError(
            f"{name!r} has the padding number {options.padding}.",
            expected="Expected SAME or VALID.",
        )
    if len(shape) != 3:
        raise ModelError(
            f"{name!r} reads a tensor of shape {shape}.",
            expected="Expected (height, width, channels).",
        )
    padding: Literal["same", "valid"] = "valid"
    if options.padding == schema.Padding.SAME:
        padding = "same"
    window = Window.make(padding, (shape[0], shape[1]), kernel, stride, dilation)
    top, left, bottom, right = window.padding
    padded = (top + shape[0] + bottom) * (left + shape[1] + right) * shape[2]
    if padded > LARGEST_PADDED:
        raise ModelError(
            f"{name!r} has the window {kernel} with dilation {dilation}: padded, its input of "
            f"shape {shape} has {padded:,} values.",
            expected=f"Expected at most {LARGEST_PADDED:,}.",
        )
    return window


def write_window(options: Any, window: Window, padding: str) -> Any:
    """Set padding, strides and dilations of an option table; returns the table."""
    options.padding = getattr(schema.Padding, padding)
    options.strideH, options.strideW = window.stride
    if hasattr(options, "dilationHFactor"):
        options.dilationHFactor, options.dilationWFactor = window.dilation
    return options


def padding_before(window: Window, operands: Operands) -> tuple[TfliteOperator, ...]:
    """The PAD before a convolution with padding that is neither SAME nor VALID; else nothing."""
    if window.scheme(operands.activations[0].shape) is not None:
        return ()
    top, left, bottom, right = window.padding
    height, width, channels = operands.activations[0].shape
    amounts = np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32)
    return (
        TfliteOperator(
            "PAD",
            "PadOptions",
            schema.PadOptionsT(),
            extra=(amounts,),
            version=version(operands, 2),
            reads=(0,),
            quantization=operands.activations[0].quantization,
            shape=(top + height + bottom, left + width + right, channels),
        ),
    )


def version(operands: Operands, int8: int) -> int:
    """The operator version: 1 for float, `int8` for quantized tensors."""
    return 1 if operands.output.dtype == "float32" else int8
