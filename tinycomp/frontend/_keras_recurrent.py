"""Wrappers of layers over time: Bidirectional, TimeDistributed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tinycomp.frontend._keras_activations import ACTIVATIONS
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ops._keras import merge, refusal
from tinycomp.ops._recurrent import Recurrent, turned
from tinycomp.ops._registry import by_keras_name
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops.add import Add
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.function import Function
from tinycomp.ops.mul import Mul
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice

MOST_STEPS = 32
"""Of a TimeDistributed layer that does not compute rows alone."""
Lowering = Callable[[KerasLayer, Sequence[str], GraphBuilder], str]
BY_ROWS = ("Activation", "Dense", "ELU", "LeakyReLU", "ReLU", "Softmax")
"""Layers that compute each row alone, so that TimeDistributed changes nothing."""
GATES = {
    "sigmoid": None, **{
        name: Function(name) for name in ("hard_sigmoid", "hard_sigmoid_keras_2", "sparse_sigmoid")
    },
}  # fmt: skip
"""Activations of gates, by name: their values are shares from 0 to 1. None: the default."""
_MERGED: Mapping[str, Callable[[], Operator]] = {"sum": Add, "mul": Mul}


def is_recurrent(class_name: str) -> bool:
    """Whether a layer has its activation inside."""
    kind = by_keras_name().get(class_name)
    return kind is not None and issubclass(kind, Recurrent)


def recurrent(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A recurrent layer, with any activation of one value.

    Raises:
        ModelError: an activation is not one.
    """
    config = dict(layer.config)
    given = config.get("activation", "tanh")
    activation = ACTIVATIONS.get(given) if isinstance(given, str) else None
    if given == "linear":
        activation = Function("linear")
    if not isinstance(activation, UnaryOperator):
        shown = given["class_name"] if isinstance(given, Mapping) else given
        raise refusal(
            layer,
            f"has activation={shown!r}",
            expected="Expected the name of an activation of one value, such as 'tanh' or 'relu'.",
        )
    config["activation"] = None if given == "tanh" else activation
    gate = config.get("recurrent_activation", "sigmoid")
    if not isinstance(gate, str) or gate not in GATES:
        raise refusal(
            layer,
            f"has recurrent_activation={gate!r}",
            expected="Expected one of sigmoid, hard_sigmoid, sparse_sigmoid: gates are shares from "
            "0 to 1.",
            hint="Train it with recurrent_activation='sigmoid'.",
        )
    config["recurrent_activation"] = GATES[gate]
    kind = by_keras_name()[layer.class_name]
    return kind.from_keras(replace(layer, config=config), inputs, builder)


def bidirectional(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A layer that reads rows forwards, one that reads them backwards, and both joined.

    Raises:
        ModelError: they are joined in a way that is not supported.
    """
    mode = layer.config.get("merge_mode", "concat")
    if mode != "concat" and mode not in _MERGED:
        raise refusal(
            layer, f"has merge_mode={mode!r}", expected="Expected 'concat', 'sum' or 'mul'."
        )
    outputs = []
    for way in ("forward", "backward"):
        part = _part(layer, way)
        output = recurrent(part, inputs, builder)
        if part.config.get("go_backwards") and part.config.get("return_sequences"):
            output = turned(output, f"{part.name}/turned", builder)
        outputs.append(output)
    if mode == "concat":
        return builder.add(Concatenation(axis=-1), outputs, layer.name)
    return merge(_MERGED[mode](), layer, outputs, builder)


def _part(layer: KerasLayer, way: str) -> KerasLayer:
    """One of the two layers. Keras makes the one that reads backwards of the other if the file has
    none.
    """
    entry = layer.config["layer"]
    config = dict(entry["config"])
    if way == "backward":
        other = layer.config.get("backward_layer")
        if other is None:
            config["go_backwards"] = not config.get("go_backwards")
        else:
            entry, config = other, dict(other["config"])
    if not is_recurrent(entry["class_name"]):
        what = f"wraps a {entry['class_name']}"
        raise refusal(layer, what, expected="Expected LSTM, GRU or SimpleRNN.")
    weights = {
        name.removeprefix(f"{way}/"): values
        for name, values in layer.weights.items()
        if name.startswith(f"{way}/")
    }
    return KerasLayer(f"{layer.name}/{way}", entry["class_name"], config, weights)


def with_state(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> list[str]:
    """The outputs of a layer with return_state: its output, the last state, and of an LSTM the name
    of its cell state, which is no tensor.
    """
    config = {**layer.config, "return_state": False}
    output = recurrent(replace(layer, config=config), inputs, builder)
    last = output
    if layer.config.get("return_sequences"):
        steps, units = builder.tensors[output].shape
        op = StridedSlice(((steps - 1, 1, 1), (0, units, 1)), (0,))
        last = builder.add(op, [output], f"{layer.name}/last")
    cell = [hidden_cell(layer.name)] if layer.class_name == "LSTM" else []
    return [output, last, *cell]


def hidden_cell(name: str) -> str:
    """What stands for the cell state of an LSTM with return_state."""
    return f"{name}/cell_state"


def refuse_cells(inputs: Sequence[str], layers: Mapping[str, KerasLayer]) -> None:
    """Refuse to read the cell state of an LSTM.

    Args:
        inputs: what a layer, or the model's output, reads.
        layers: those read so far, by hidden_cell.

    Raises:
        ModelError: one is a cell state.
    """
    for name in inputs:
        if name in layers:
            raise refusal(
                layers[name],
                "returns its cell state (return_state=True), and that is read",
                expected="Expected its output and its last state alone.",
                hint="Give the next layer the last state, for instance by RepeatVector and "
                "Concatenate, or use a GRU, which has no other.",
            )


def time_distributed(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, add: Lowering
) -> str:
    """A layer for every step: once for all steps if it computes rows alone, else step by step with
    the same weights. `add` adds a layer.

    Raises:
        ModelError: its weights are those of a wrapper, or it has none of the steps' axes.
    """
    inner = layer.config["layer"]
    made = replace(layer, class_name=inner["class_name"], config=inner["config"])
    shape = builder.tensors[inputs[0]].shape
    if inner["class_name"] in BY_ROWS and len(shape) > 1:
        return add(made, inputs, builder)
    if inner["class_name"] == "Flatten":
        return builder.add(Reshape((shape[0], math.prod(shape[1:]))), inputs, layer.name)
    if len(shape) < 2 or shape[0] > MOST_STEPS:
        raise refusal(
            layer,
            f"computes {inner['class_name']} at every step of {shape}",
            expected=f"Expected at most {MOST_STEPS} steps: each is a layer of its own in C.",
            hint="Use the layer's own form over time, such as Conv2D with a kernel of height 1.",
        )
    rows = []
    for step in range(shape[0]):
        parts = ((step, 1, 1), *((0, size, 1) for size in shape[1:]))
        one = builder.add(StridedSlice(parts, (0,)), inputs, f"{layer.name}/step_{step}")
        output = add(made, [one], builder)
        wide = (1, *builder.tensors[output].shape)
        rows.append(builder.add(Reshape(wide), [output], f"{layer.name}/row_{step}"))
    return builder.add(Concatenation(axis=0), rows, layer.name) if len(rows) > 1 else rows[0]
