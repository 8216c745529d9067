"""Recurrent layers, and Bidirectional around them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tinycomp.frontend._keras_activations import ACTIVATIONS
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ops._keras import merge, refusal
from tinycomp.ops._recurrent import CELL_ROWS, Recurrent, last_row, turned
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
_MERGED: Mapping[str, Callable[[], Operator]] = {"ave": Add, "sum": Add, "mul": Mul}


def is_recurrent(class_name: str) -> bool:
    """Whether a layer has its activation inside."""
    kind = by_keras_name().get(class_name)
    return kind is not None and issubclass(kind, Recurrent)


def recurrent(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None = None
) -> str:
    """A recurrent layer, with any activation of one value, and perhaps a mask (steps, 1) or first
    states, as one operator; what it returns.

    Raises:
        ModelError: an activation is not one.
    """
    return _added(layer, inputs, builder, mask)[0]


def with_state(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None = None
) -> list[str]:
    """The outputs of a layer with return_state: its output, the last state, and of an LSTM the cell
    state, which is only a name unless it is read.
    """
    plain = replace(layer, config={**layer.config, "return_state": False})
    output, rows = _added(plain, inputs, builder, mask)
    return [output, *_last_states(plain, rows, output, builder)]


def _added(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None
) -> tuple[str, str]:
    """What a layer returns, and the rows of its operator."""
    x, *first = inputs
    lstm = layer.class_name == "LSTM"
    if lstm and first:
        layer = replace(layer, config={**layer.config, CELL_ROWS: True})
        first = [builder.add(Concatenation(axis=-1), first, f"{layer.name}/first")]
    layer = _with_operators(layer)
    read = [x, *([] if mask is None else [mask]), *first]
    kind = by_keras_name()[layer.class_name]
    assert issubclass(kind, Recurrent)
    rows = kind.rows_of(layer, read, builder)
    return kind.shown(layer, rows, read, builder), rows


def _last_states(layer: KerasLayer, rows: str, output: str, builder: GraphBuilder) -> list[str]:
    """The last state, and of an LSTM the cell state."""
    _, width = builder.tensors[rows].shape
    units = int(layer.config["units"])
    last = output
    if layer.config.get("return_sequences") or layer.config.get("zero_output_for_mask"):
        last = last_row(rows, f"{layer.name}/last", builder, units)
    if layer.class_name != "LSTM":
        return [last]
    cell = f"{layer.name}/cell_state"
    return [last, cell if width == units else last_row(rows, cell, builder, units, units)]


def _with_operators(layer: KerasLayer) -> KerasLayer:
    """A layer with operators as its activations, None for the defaults.

    Raises:
        ModelError: an activation is not one of one value.
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
    return replace(layer, config=config)


def bidirectional(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None = None
) -> str:
    """A layer that reads rows forwards, one that reads them backwards, and both joined."""
    return bidirectional_outputs(layer, inputs, builder, mask)[0]


def bidirectional_outputs(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str | None = None
) -> list[str]:
    """All outputs: what both layers return, joined or with merge_mode=None one after the other, and
    with return_state the states of both.
    """
    x, *first = inputs
    half = len(first) // 2
    outputs, states = [], []
    for way, given in (("forward", first[:half]), ("backward", first[half:])):
        part = _part(layer, way)
        if part.config.get("return_state"):
            output, *last = with_state(part, [x, *given], builder, mask)
            states += last
        else:
            output = recurrent(part, [x, *given], builder, mask)
        if part.config.get("go_backwards") and part.config.get("return_sequences"):
            output = turned(output, f"{part.name}/turned", builder)
        outputs.append(output)
    mode = layer.config.get("merge_mode", "concat")
    return [*(outputs if mode is None else [_merged(mode, layer, outputs, builder)]), *states]


def _merged(mode: str, layer: KerasLayer, outputs: Sequence[str], builder: GraphBuilder) -> str:
    if mode == "concat":
        return builder.add(Concatenation(axis=-1), outputs, layer.name)
    if mode != "ave":
        return merge(_MERGED[mode](), layer, outputs, builder)
    total = merge(Add(), replace(layer, name=f"{layer.name}/sum"), outputs, builder)
    return scaled(layer.name, total, 0.5, 0.0, builder)


def has_states(layer: KerasLayer) -> bool:
    """Whether a recurrent layer, or both in a Bidirectional, return their states."""
    inner = layer.config["layer"]["config"] if layer.class_name == "Bidirectional" else layer.config
    return bool(inner.get("return_state"))


def with_cell_rows(entry: Mapping[str, Any], read: Collection[int]) -> dict[str, Any]:
    """An entry of a configuration that says whether cell states of LSTMs are read.

    Args:
        entry: of any layer.
        read: the numbers of its outputs that are read.
    """
    config = entry["config"]
    if entry["class_name"] == "LSTM" and 2 in read:
        return {**entry, "config": {**config, CELL_ROWS: True}}
    inner = config.get("layer") if entry["class_name"] == "Bidirectional" else None
    if not isinstance(inner, Mapping) or inner.get("class_name") != "LSTM":
        return dict(entry)
    behind = 2 if config.get("merge_mode", "concat") is None else 1
    cells = [
        (name, place)
        for name, place in (("layer", behind + 1), ("backward_layer", behind + 3))
        if place in read
    ]
    return {**entry, "config": {**config, CELL_ROWS: [name for name, _ in cells]}}


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
    if ("layer" if way == "forward" else "backward_layer") in layer.config.get(CELL_ROWS, ()):
        config[CELL_ROWS] = True
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
