"""Rewrites Keras layers to those that operators import.

1-D layers become 2-D ones, separable ones become two, activations become separate nodes. A tensor
(length, channels) becomes (length, 1, channels) around each 1-D layer; passes remove reshapes that
cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_activations import ACTIVATIONS, GATED, gated
from tinycomp.frontend._keras_attention import ATTENTION
from tinycomp.frontend._keras_choices import relu_from
from tinycomp.frontend._keras_conv_lstm import CONV_LSTMS, conv_lstm
from tinycomp.frontend._keras_convolutions import grouped_layer, transposed_layer
from tinycomp.frontend._keras_hints import hint
from tinycomp.frontend._keras_joins import JOINS
from tinycomp.frontend._keras_masks import mean_of_counted
from tinycomp.frontend._keras_math import PARTS, split
from tinycomp.frontend._keras_normalizations import NORMALIZATIONS
from tinycomp.frontend._keras_operations import OPERATIONS, PREFIX
from tinycomp.frontend._keras_recurrent import (
    bidirectional,
    bidirectional_outputs,
    has_states,
    is_recurrent,
    recurrent,
    with_state,
)
from tinycomp.frontend._keras_steps import time_distributed
from tinycomp.frontend._keras_variables import NORMALIZED
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ops._registry import by_keras_name
from tinycomp.ops.mean import Mean
from tinycomp.ops.pad import Pad
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reshape import Reshape

_SIZES = ("kernel_size", "strides", "dilation_rate", "pool_size", "size", "output_padding")


def add_layer(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Add the nodes of one call of a layer; returns the name of its output.

    Raises:
        ModelError: an option of the layer is not supported.
    """
    if layer.class_name == "Identity":
        return inputs[0]
    if layer.class_name == "TimeDistributed":
        return time_distributed(layer, inputs, builder, add_layer, _across)
    if layer.class_name == NORMALIZED:
        inner = layer.config["layer"]
        made = replace(layer, class_name=inner["class_name"], config=inner["config"])
        return add_layer(made, inputs, builder)
    if is_recurrent(layer.class_name):
        return recurrent(layer, inputs, builder)
    if layer.class_name in CONV_LSTMS:
        return conv_lstm(layer, inputs, builder)
    if layer.class_name == "Activation":
        return _activate(layer.config.get("activation", "linear"), layer.name, inputs[0], builder)
    return _activate_layer(layer, _add(layer, inputs, builder), builder)


def add_outputs(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None = None
) -> list[str]:
    """The outputs of one call of a layer; that of a cell state that is not read is no tensor.

    Args:
        layer: as plain data.
        inputs: the tensors that it reads.
        builder: receives its nodes.
        mask: (steps, 1), 1 for steps that count, if the layer skips others.

    Raises:
        ModelError: an option of the layer is not supported.
    """
    lower = _several(layer)
    if mask is not None:
        if lower is not None:
            return lower(layer, inputs, builder, mask)
        kind = layer.class_name if layer.class_name in _MASKED else "recurrent"
        return [_MASKED[kind](layer, inputs, builder, mask)]
    return [add_layer(layer, inputs, builder)] if lower is None else lower(layer, inputs, builder)


_MASKED: Mapping[str, Callable[..., str]] = {
    "Bidirectional": bidirectional,
    "GlobalAveragePooling1D": mean_of_counted,
    "recurrent": recurrent,
}
"""What adds a layer that skips steps, by class name."""


def has_outputs(layer: KerasLayer) -> bool:
    """Whether a layer has several outputs."""
    return _several(layer) is not None


def _several(layer: KerasLayer) -> Callable[..., list[str]] | None:
    """What adds the outputs of a layer that has several."""
    if layer.class_name.removeprefix(PREFIX) in PARTS:
        return split
    if layer.class_name == "Bidirectional":
        several = has_states(layer) or layer.config.get("merge_mode", "concat") is None
        return bidirectional_outputs if several else None
    return with_state if is_recurrent(layer.class_name) and has_states(layer) else None


def _add(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    if "1D" in layer.class_name:
        return _add_1d(layer, inputs[0], builder)
    return _add_2d(layer, inputs, builder)


def _add_2d(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A layer with 2-D options, independent of its class name."""
    name = layer.class_name.replace("1D", "2D")
    if name == "SeparableConv2D":
        depthwise, pointwise = _separate(layer)
        between = by_keras_name()["DepthwiseConv2D"].from_keras(depthwise, inputs, builder)
        return by_keras_name()["Conv2D"].from_keras(pointwise, [between], builder)
    if name == "Conv2D" and layer.config.get("groups", 1) != 1:
        return grouped_layer(layer, inputs, builder)
    if name == "Conv2DTranspose":
        return transposed_layer(layer, inputs, builder)
    if name.startswith(PREFIX):
        return OPERATIONS[name.removeprefix(PREFIX)](layer, inputs, builder)
    for table in (ATTENTION, NORMALIZATIONS, JOINS):
        if name in table:
            return table[name](layer, inputs, builder)
    if name == "Bidirectional":
        return bidirectional(layer, inputs, builder)
    if name == "ReLU" and layer.config.get("threshold"):
        return relu_from(layer, inputs, builder)
    if name == "ReLU" and layer.config.get("negative_slope"):
        name = "LeakyReLU"
    operator = by_keras_name().get(name)
    if operator is None:
        raise ModelError(
            f"Layer {layer.name!r} is of type {layer.class_name}, which is not supported.",
            hint=hint(layer.class_name),
        )
    return operator.from_keras(layer, inputs, builder)


def _activate_layer(layer: KerasLayer, output: str, builder: GraphBuilder) -> str:
    """Add the activation that a layer has as an option."""
    activation = layer.config.get("activation", "linear")
    named = activation if isinstance(activation, str) else activation["class_name"].lower()
    return _activate(activation, f"{layer.name}/{named}", output, builder)


def _activate(activation: Any, name: str, x: str, builder: GraphBuilder) -> str:
    """Add an activation given by name, or by the entry of an activation layer."""
    if isinstance(activation, Mapping):
        return _add(
            KerasLayer(name, activation["class_name"], activation["config"], {}), [x], builder
        )
    if activation == GATED:
        return gated(name, x, builder)
    operator = ACTIVATIONS[activation]
    return x if operator is None else builder.add(operator, [x], name)


def _add_1d(layer: KerasLayer, x: str, builder: GraphBuilder) -> str:
    length, channels = builder.tensors[x].shape
    x = builder.add(Reshape((length, 1, channels)), [x], f"{layer.name}/expand")
    y = _add_widened(layer, x, builder, axis=0)
    shape = builder.tensors[y].shape
    if len(shape) == 1:
        return y
    return builder.add(Reshape((shape[0], shape[2])), [y], f"{layer.name}/squeeze")


def _across(layer: KerasLayer, x: str, builder: GraphBuilder) -> str:
    """A 1-D layer for each row of (rows, length, channels), its activation included."""
    kind = {"GlobalAveragePooling1D": Mean, "GlobalMaxPooling1D": ReduceMax}.get(layer.class_name)
    if kind is not None:
        keep = bool(layer.config.get("keepdims"))
        return builder.add(kind.over((1,), 3, keep), [x], layer.name)
    y = _add_widened(layer, x, builder, axis=1)
    return _activate_layer(layer, y, builder)


def _add_widened(layer: KerasLayer, x: str, builder: GraphBuilder, axis: int) -> str:
    """A 1-D layer along one axis of an image."""
    layer = _widen(layer, axis)
    if layer.config.get("padding") == "causal":
        before = (layer.config["kernel_size"][axis] - 1) * layer.config["dilation_rate"][axis]
        pads = [(0, 0), (0, 0), (0, 0)]
        pads[axis] = (before, 0)
        x = builder.add(Pad(tuple(pads)), [x], f"{layer.name}/causal")
        layer = replace(layer, config={**layer.config, "padding": "valid"})
    return _add_2d(layer, [x], builder)


def _widen(layer: KerasLayer, axis: int) -> KerasLayer:
    """A 1-D layer's options and weights for an image, along one axis; the other has the size 1."""
    config = dict(layer.config)
    for key in _SIZES:
        if config.get(key) is not None:
            other = 0 if key == "output_padding" else 1
            config[key] = _along(axis, _tuple(config[key])[0], other)
    for key in ("padding", "cropping"):
        if layer.class_name in ("ZeroPadding1D", "Cropping1D") and key in config:
            ends = _tuple(config[key])
            config[key] = _along(axis, ends * (3 - len(ends)), (0, 0))
    weights = {
        name: values if name == "bias" else values[(slice(None), None)[:: 1 - 2 * axis]]
        for name, values in layer.weights.items()
    }
    return replace(layer, config=config, weights=weights)


def _along(axis: int, value: Any, other: Any) -> tuple[Any, Any]:
    return (value, other) if axis == 0 else (other, value)


def _tuple(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


def _separate(layer: KerasLayer) -> tuple[KerasLayer, KerasLayer]:
    """A separable convolution as a depthwise and a 1x1 convolution; the latter has the bias."""
    depthwise = replace(
        layer, name=f"{layer.name}/depthwise", weights={"kernel": layer.weights["depthwise_kernel"]}
    )
    weights = {"kernel": layer.weights["pointwise_kernel"]}
    if "bias" in layer.weights:
        weights["bias"] = layer.weights["bias"]
    config = {"kernel_size": (1, 1), "strides": (1, 1), "padding": "valid"}
    return depthwise, replace(layer, config=config, weights=weights)
