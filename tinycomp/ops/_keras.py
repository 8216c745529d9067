"""Helpers for importing Keras layers: options, weights, refusals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops._broadcast import repetition, spread, wide_input
from tinycomp.ops._window import Pair, Window


def refusal(layer: KerasLayer, what: str, *, expected: str = "", hint: str = "") -> ModelError:
    """The error for an unsupported option; the text continues the layer's name and type."""
    text = f"Layer {layer.name!r} ({layer.class_name}) {what}."
    return ModelError(text, expected=expected, hint=hint)


def pair(value: int | tuple[int, ...] | list[int]) -> Pair:
    """Height and width of an option that may be one number for both."""
    if isinstance(value, int):
        return value, value
    height, width = value
    return int(height), int(width)


def keras_window(layer: KerasLayer, shape: Shape, kernel: Pair) -> Window:
    """The layer's strides, padding and dilation over an input (height, width, channels).

    Raises:
        ModelError: the padding is not "same" or "valid", or the window exceeds the input.
    """
    padding = layer.config.get("padding", "valid")
    stride = pair(layer.config.get("strides") or kernel)
    dilation = pair(layer.config.get("dilation_rate", 1))
    size = shape[0], shape[1]
    if padding == "same":
        return Window.make("same", size, kernel, stride, dilation)
    if padding == "valid":
        found = Window.make("valid", size, kernel, stride, dilation)
        if min(found.output(size)) < 1:
            what = f"has a window of {found.span} cells over an input of only {size}"
            raise refusal(layer, what, hint="Make the input larger, or pad it.")
        return found
    raise refusal(layer, f"has padding={padding!r}", expected="Expected 'same' or 'valid'.")


def weight(builder: GraphBuilder, layer: KerasLayer, name: str, values: Array) -> str:
    """Add one of the layer's weights in the IR's layout; only once for a layer called twice."""
    full = f"{layer.name}/{name}"
    if full in builder.constants:
        return full
    return builder.constant(full, np.ascontiguousarray(values))


def bias(builder: GraphBuilder, layer: KerasLayer, channels: int) -> str:
    """Add the layer's bias, zero if it has none."""
    values = layer.weights.get("bias")
    return weight(
        builder, layer, "bias", np.zeros(channels, np.float32) if values is None else values
    )


def last_axis(layer: KerasLayer, axis: int, rank: int) -> bool:
    """Whether a Keras axis, which counts the batch, is the last of `rank` axes without it."""
    return axis in (-1, rank)


def merge(op: Operator, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Two or more inputs joined by a binary operator in turn; if it commutes, the larger is the
    first of a pair.

    Raises:
        ModelError: a pair has no common shape.
    """
    result = inputs[0]
    for number, other in enumerate(inputs[1:], start=2):
        name = layer.name if number == len(inputs) else f"{layer.name}/{number}"
        first, second = builder.tensors[result].shape, builder.tensors[other].shape
        pair_of = [
            repeated(builder, tensor, target, name)
            for tensor, target in zip((result, other), spread(name, (first, second)), strict=True)
        ]
        if getattr(op, "commutes", True) and wide_input((first, second)) == 1:
            pair_of.reverse()
        result = builder.add(op, pair_of, name)
    return result


def repeated(builder: GraphBuilder, tensor: str, target: Shape | None, name: str) -> str:
    """A tensor, repeated up to a shape if one is given."""
    for op in () if target is None else repetition(builder.tensors[tensor].shape, target):
        tensor = builder.add(op, [tensor], f"{name}/repeated")
    return tensor
