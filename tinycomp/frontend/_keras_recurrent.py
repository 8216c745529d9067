"""Recurrent layers, and Bidirectional around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tinycomp.frontend._keras_activations import ACTIVATIONS
from tinycomp.frontend._keras_cells import step_by_step
from tinycomp.frontend._keras_steps import joined
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ops._keras import merge, refusal
from tinycomp.ops._recurrent import Recurrent, last_row, turned
from tinycomp.ops._registry import by_keras_name
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops.add import Add
from tinycomp.ops.batch_normalization import scaled
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.function import Function
from tinycomp.ops.mul import Mul

GATES = {
    "sigmoid": None, **{
        name: Function(name) for name in ("hard_sigmoid", "hard_sigmoid_keras_2", "sparse_sigmoid")
    },
}  # fmt: skip
"""Activations of gates, by name: their values are shares from 0 to 1. None: the default."""
CELL_READ = "cell_read"
"""The option of an LSTM whose cell state is read, which Keras does not have."""
_MERGED: Mapping[str, Callable[[], Operator]] = {"ave": Add, "sum": Add, "mul": Mul}


def is_recurrent(class_name: str) -> bool:
    """Whether a layer has its activation inside."""
    kind = by_keras_name().get(class_name)
    return kind is not None and issubclass(kind, Recurrent)


def recurrent(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None = None
) -> str:
    """A recurrent layer, with any activation of one value and perhaps a mask (steps, 1): one
    operator, or step by step with first states that are computed.

    Raises:
        ModelError: an activation is not one.
    """
    if len(inputs) > 1:
        rows, _ = step_by_step(layer, inputs, builder, mask)
        sequences = layer.config.get("return_sequences")
        return joined(layer.name, rows, builder) if sequences else rows[-1]
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
    read = inputs if mask is None else [*inputs, mask]
    return kind.from_keras(replace(layer, config=config), read, builder)


def bidirectional(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None = None
) -> str:
    """A layer that reads rows forwards, one that reads them backwards, and both joined."""
    mode = layer.config.get("merge_mode", "concat")
    outputs = both_ways(layer, inputs, builder, mask)
    if mode == "concat":
        return builder.add(Concatenation(axis=-1), outputs, layer.name)
    if mode != "ave":
        return merge(_MERGED[mode](), layer, outputs, builder)
    total = merge(Add(), replace(layer, name=f"{layer.name}/sum"), outputs, builder)
    return scaled(layer.name, total, 0.5, 0.0, builder)


def both_ways(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None = None
) -> list[str]:
    """What reads rows forwards, and what reads them backwards, with the rows in the input's order:
    the outputs of a Bidirectional layer with merge_mode=None.

    Raises:
        ModelError: it starts from states that are computed.
    """
    if len(inputs) > 1:
        what = "starts from states that are computed"
        raise refusal(layer, what, expected="Expected none: both layers start from zeros.")
    outputs = []
    for way in ("forward", "backward"):
        part = _part(layer, way)
        output = recurrent(part, inputs, builder, mask)
        if part.config.get("go_backwards") and part.config.get("return_sequences"):
            output = turned(output, f"{part.name}/turned", builder)
        outputs.append(output)
    return outputs


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
    config["zero_output_for_mask"] = config.get("return_sequences", False)
    if not is_recurrent(entry["class_name"]):
        what = f"wraps a {entry['class_name']}"
        raise refusal(layer, what, expected="Expected LSTM, GRU or SimpleRNN.")
    weights = {
        name.removeprefix(f"{way}/"): values
        for name, values in layer.weights.items()
        if name.startswith(f"{way}/")
    }
    return KerasLayer(f"{layer.name}/{way}", entry["class_name"], config, weights)


def with_state(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None = None
) -> list[str]:
    """The outputs of a layer with return_state: its output, the last state, and of an LSTM the cell
    state, which is only a name unless it is read.
    """
    config, sequences = layer.config, bool(layer.config.get("return_sequences"))
    if config.get(CELL_READ) or len(inputs) > 1:
        why = "returns its cell state, and that is read" if config.get(CELL_READ) else None
        rows, states = step_by_step(layer, inputs, builder, mask, *([why] if why else []))
        return [joined(layer.name, rows, builder) if sequences else rows[-1], *states]
    plain = replace(layer, config={**config, "return_state": False})
    output = last = recurrent(plain, inputs, builder, mask)
    if sequences:
        last = last_row(output, f"{layer.name}/last", builder)
    return [output, last, *([f"{layer.name}/cell_state"] if layer.class_name == "LSTM" else [])]
