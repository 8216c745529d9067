"""Wrappers of layers over time: Bidirectional, TimeDistributed."""

from __future__ import annotations

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

BY_ROWS = ("Activation", "Dense", "ELU", "LeakyReLU", "ReLU", "Softmax")
"""Layers that compute each row alone, so that TimeDistributed changes nothing."""
GATES = {
    "sigmoid": None, "hard_sigmoid": Function("hard_sigmoid"),
    "sparse_sigmoid": Function("sparse_sigmoid"),
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
            expected=f"Expected one of {', '.join(GATES)}: gates are shares from 0 to 1.",
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


def time_distributed(layer: KerasLayer) -> KerasLayer:
    """The layer that is computed for every row, with the wrapper's name.

    Raises:
        ModelError: it does not compute rows alone.
    """
    inner = layer.config["layer"]
    if inner["class_name"] not in BY_ROWS:
        raise refusal(
            layer,
            f"wraps a {inner['class_name']}",
            expected=f"Expected one of {', '.join(BY_ROWS)}.",
            hint="Use the layer's own form over time, such as Conv2D with a kernel of height 1.",
        )
    return replace(layer, class_name=inner["class_name"], config=inner["config"])
