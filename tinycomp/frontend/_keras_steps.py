"""TimeDistributed: a layer, or a model, for every step of a sequence.

What computes each row alone runs once for all steps; 1-D layers run as 2-D ones of height 1 over
(steps, length, channels); everything else runs step by step, with the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_objects import MODELS, Config
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ops._keras import refusal
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice

MOST_STEPS = 32
"""Of what runs step by step."""
BY_ROWS = ("Activation", "Dense", "ELU", "Identity", "LeakyReLU", "ReLU", "Rescaling", "Softmax")
"""Layers that compute each row alone, so that TimeDistributed changes nothing."""
ACROSS = (
    "AveragePooling1D", "Conv1D", "DepthwiseConv1D", "GlobalAveragePooling1D",
    "GlobalMaxPooling1D", "MaxPooling1D", "SeparableConv1D",
)  # fmt: skip
"""Layers over (length, channels) that run on (steps, length, channels) at once."""

Adding = Callable[[KerasLayer, Sequence[str], GraphBuilder], str]
Across = Callable[[KerasLayer, str, GraphBuilder], str]


def wraps_model(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a configuration is a TimeDistributed around a model."""
    inner = entry["config"].get("layer") if entry["class_name"] == "TimeDistributed" else None
    return isinstance(inner, Mapping) and inner.get("class_name") in MODELS


def at_once(model: Config) -> bool:
    """Whether all layers of a model without branches run on all steps at once."""
    known = (*BY_ROWS, *ACROSS, "Flatten", "InputLayer")
    chain = "input_layers" not in model["config"]
    return chain and all(
        each["class_name"] in known and each["config"].get("data_format") != "channels_first"
        for each in model["config"]["layers"]
    )


def for_steps(layer: KerasLayer) -> KerasLayer:
    """A layer of a model in a TimeDistributed, as if it were wrapped itself."""
    inner = {"class_name": layer.class_name, "config": layer.config}
    return replace(layer, class_name="TimeDistributed", config={"layer": inner})


def time_distributed(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, add: Adding, across: Across
) -> str:
    """A layer for every step.

    Args:
        layer: the wrapper, with the weights of the layer inside.
        inputs: one tensor, (steps, ...).
        builder: receives the nodes.
        add: adds a layer.
        across: adds a 1-D layer on (steps, length, channels).

    Raises:
        ModelError: there are too many steps.
    """
    inner = layer.config["layer"]
    made = replace(layer, class_name=inner["class_name"], config=inner["config"])
    shape = builder.tensors[inputs[0]].shape
    if made.class_name in BY_ROWS and len(shape) > 1:
        return add(made, inputs, builder)
    if made.class_name == "Flatten":
        return builder.add(Reshape((shape[0], math.prod(shape[1:]))), inputs, layer.name)
    if made.class_name in ACROSS and len(shape) == 3:
        return across(made, inputs[0], builder)
    if len(shape) < 2 or shape[0] > MOST_STEPS:
        raise _too_many(layer, made.class_name, shape)
    return joined(layer.name, [
        add(made, [one], builder) for one in steps(layer.name, inputs[0], builder)
    ], builder)  # fmt: skip


def require_few(layer: KerasLayer, shape: Sequence[int]) -> None:
    """Refuse a model at more steps than are run one by one.

    Raises:
        ModelError: there are.
    """
    if not len(shape) > 1 or shape[0] > MOST_STEPS:
        raise _too_many(layer, "a model", shape)


def steps(name: str, x: str, builder: GraphBuilder) -> Iterable[str]:
    """The rows of a tensor, each without the axis of the steps."""
    shape = builder.tensors[x].shape
    for step in range(shape[0]):
        parts = ((step, 1, 1), *((0, size, 1) for size in shape[1:]))
        yield builder.add(StridedSlice(parts, (0,)), [x], f"{name}/step_{step}")


def joined(name: str, outputs: Sequence[str], builder: GraphBuilder) -> str:
    """Tensors of one shape as the rows of one."""
    rows = [
        builder.add(Reshape((1, *builder.tensors[each].shape)), [each], f"{name}/row_{step}")
        for step, each in enumerate(outputs)
    ]
    return builder.add(Concatenation(axis=0), rows, name) if len(rows) > 1 else rows[0]


def _too_many(layer: KerasLayer, what: str, shape: Sequence[int]) -> ModelError:
    return refusal(
        layer,
        f"computes {what} at every step of {tuple(shape)}",
        expected=f"Expected at most {MOST_STEPS} steps: each is a layer of its own in C.",
        hint="Use the layer's own form over time, such as Conv2D with a kernel of height 1.",
    )
