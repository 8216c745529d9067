"""Recurrent operators of ONNX, as Keras's layers: both keep the same weights in other orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinycomp.frontend._keras_activations import ACTIVATIONS
from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_views import View, view
from tinycomp.ir.operator import KerasLayer
from tinycomp.ir.tensor import Array
from tinycomp.ops._recurrent import CELL_ROWS, Recurrent, last_row, turned
from tinycomp.ops._registry import by_keras_name
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.pad import Pad
from tinycomp.ops.strided_slice import StridedSlice

_WAYS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
"""By direction, whether each of its layers reads the rows backwards."""


@dataclass(frozen=True)
class _Kind:
    """One of the operators."""

    layer: str
    """Keras's class."""
    gates: tuple[int, ...]
    """For each gate of Keras, its place among ONNX's."""
    functions: tuple[str, ...]
    """The activations that are ONNX's defaults, and the only ones that are read."""
    bias: Callable[[Call, Array, Array], Array]
    """The layer's bias of the input's and the state's."""
    others: tuple[str, ...] = ()
    """What its one activation may be instead."""


def _sum(call: Call, first: Array, second: Array) -> Array:
    return first + second


def _both(call: Call, first: Array, second: Array) -> Array:
    """A GRU's reset may follow the product with the state, whose bias is apart then."""
    return np.stack([first, second]) if call.attribute("linear_before_reset", 0) else first + second


_KINDS = {
    "GRU": _Kind("GRU", (0, 1, 2), ("Sigmoid", "Tanh"), _both),
    "LSTM": _Kind("LSTM", (0, 2, 3, 1), ("Sigmoid", "Tanh", "Tanh"), _sum),
    "RNN": _Kind("SimpleRNN", (0,), ("Tanh",), _sum, ("Relu", "Softsign")),
}


def _recurrent(call: Call) -> Sequence[View]:
    """States of all steps (steps, directions, batch, units), the last (directions, batch, units),
    and of an LSTM the cell states.
    """
    kind, x = _KINDS[call.node.kind], call.view()
    ways = _WAYS[call.attribute("direction", "forward")]
    _require_usual(call, kind, x, len(ways))
    steps = x.shape[1 if call.attribute("layout", 0) else 0]
    source = call.weaver.take(x, (0, 1, 2), (steps, x.shape[2]))
    counted = _counted(call, steps)
    if counted < steps:
        part = StridedSlice(((0, counted, 1), (0, x.shape[2], 1)))
        source = call.add(part, [source], "counted")
    wanted = [bool(name) for name in (*call.node.outputs, "", "", "")[:3]]
    first, builder = _first(call, len(ways)), call.weaver.builder
    found: tuple[list[str], ...] = ([], [], [])
    for number, backwards in enumerate(ways):
        cells = bool(kind.layer == "LSTM" and (first or wanted[2]))
        layer = _layer(call, kind, number, backwards, sequences=wanted[0], cells=cells)
        read, units = [source, *first[number : number + 1]], layer.config["units"]
        operator = by_keras_name()[kind.layer]
        assert issubclass(operator, Recurrent)
        rows = operator.rows_of(layer, read, builder)
        if wanted[0]:
            shown = operator.shown(layer, rows, read, builder)
            shown = turned(shown, f"{layer.name}/turned", builder) if backwards else shown
            found[0].append(_padded(call, shown, steps, layer.name))
        for output, title in ((1, "last"), (2, "cell_state")):
            if wanted[output]:
                start, name = (output - 1) * units, f"{layer.name}/{title}"
                found[output].append(last_row(rows, name, builder, units, start))
    return _outputs(call, found, steps, len(ways))


def _counted(call: Call, steps: int) -> int:
    """How many steps count."""
    lengths = call.constant(4, "lengths of sequences")
    return steps if lengths is None else int(lengths.ravel()[0])


def _padded(call: Call, rows: str, steps: int, name: str) -> str:
    """With zeros for steps that do not count."""
    counted, _ = call.weaver.shape(rows)
    if counted == steps:
        return rows
    return call.weaver.add(Pad(((0, steps - counted), (0, 0))), [rows], f"{name}/padded")


def _first(call: Call, ways: int) -> list[str]:
    """For each direction what its output is before the first row; empty for zeros."""
    states = [each for index in (5, 6) if (each := _states(call, index, ways)) is not None]
    if len(states) < 2:
        if states and call.node.kind == "LSTM":
            raise call.refusal(
                "starts from a state that is computed and one that is constant",
                expected="Expected both computed, or both zeros.",
            )
        return states[0] if states else []
    return [
        call.add(Concatenation(-1), list(pair), f"first_{number}")
        for number, pair in enumerate(zip(*states, strict=True))
    ]


def _states(call: Call, index: int, ways: int) -> list[str] | None:
    """For each direction a state that the model computes; None if it is zeros."""
    given = call.inputs[index] if index < len(call.inputs) else None
    if not isinstance(given, View):
        return None
    units = int(call.required(2, "weights of the state").shape[2])
    axes = (1, 0, 2) if call.attribute("layout", 0) else (0, 1, 2)
    whole = call.weaver.take(given, axes, (ways * units,))
    return [
        call.add(StridedSlice(((way * units, units, 1),)), [whole], f"state_{index}_{way}")
        for way in range(ways)
    ]


def _outputs(call: Call, outputs: Sequence[list[str]], steps: int, ways: int) -> list[View]:
    """As ONNX sees them; the batch, of 1, is first with layout=1."""
    units = int(call.required(2, "weights of the state").shape[2])
    first = bool(call.attribute("layout", 0))
    found: list[View] = []
    all_shape = (1, steps, ways, units) if first else (steps, ways, 1, units)
    last_shape = (1, ways, units) if first else (ways, 1, units)
    for part, names in zip(("joined", "last", "cell"), outputs, strict=True):
        shape, size = (all_shape, steps) if part == "joined" else (last_shape, 1)
        if not names:
            found.append(view("", shape))
            continue
        name = names[0] if ways == 1 else call.add(Concatenation(-1), list(names), part)
        whole = view(name, (size, ways * units)).reshaped(shape)
        assert whole is not None
        found.append(whole)
    return found


def _layer(
    call: Call, kind: _Kind, number: int, backwards: bool, sequences: bool, cells: bool
) -> KerasLayer:
    """One direction as a layer."""
    kernel, recurrent = (
        _gates(kind, call.required(index, "weights")[number]).T for index in (1, 2)
    )
    units = recurrent.shape[0]
    known = call.constant(3, "biases")
    sums = np.zeros(2 * kernel.shape[1], np.float32) if known is None else known[number]
    biases = [_gates(kind, half) for half in np.split(sums, 2)]
    weights: dict[str, Array] = {
        "kernel": kernel, "recurrent_kernel": recurrent, "bias": kind.bias(call, *biases),
    }  # fmt: skip
    config: dict[str, Any] = {
        "units": units, "return_sequences": sequences, "go_backwards": backwards,
        "reset_after": bool(call.attribute("linear_before_reset", 0)), CELL_ROWS: cells,
    }  # fmt: skip
    functions = call.attribute("activations")
    if functions and tuple(functions[:1]) != kind.functions[:1]:
        config["activation"] = ACTIVATIONS[functions[0].lower()]
    name = call.part("backward" if backwards else "forward")
    return KerasLayer(name, kind.layer, config, weights)


def _bends(kind: _Kind, functions: tuple[str, ...]) -> bool:
    """Whether all directions have one of the other activations."""
    return len({*functions}) == 1 and functions[0] in kind.others


def _gates(kind: _Kind, values: Array) -> Array:
    """Rows of the gates in Keras's order."""
    parts = np.split(values, len(kind.gates))
    return np.concatenate([parts[place] for place in kind.gates])


def _require_usual(call: Call, kind: _Kind, x: View, ways: int) -> None:
    """Refuse by name what the layer can't do.

    Raises:
        ModelError: an option or input that is not supported.
    """
    if kind.layer not in by_keras_name():
        raise call.refusal("is not supported", hint="Use LSTM, or convolutions over time.")
    batch = 0 if call.attribute("layout", 0) else 1
    if len(x.shape) != 3 or x.shape[batch] != 1:
        raise call.refusal(f"reads a tensor of shape {x.shape}", expected="Expected a batch of 1.")
    functions = tuple(call.attribute("activations") or kind.functions * ways)
    if functions != kind.functions * ways and not _bends(kind, functions):
        known = "" if kind.others == () else f" or {', '.join(kind.others)}"
        raise call.refusal(
            f"has the activations {list(functions)}", expected=f"Expected {kind.functions}{known}."
        )
    for name in ("clip", "input_forget"):
        if call.attribute(name):
            raise call.refusal(f"has {name}={call.attribute(name)}", expected="Expected none.")
    lengths = call.constant(4, "lengths of sequences")
    steps = x.shape[1 - batch]
    if lengths is not None and not np.all((lengths > 0) & (lengths <= steps)):
        raise call.refusal(
            f"reads {lengths} steps of {steps}", expected=f"Expected 1 to {steps} steps."
        )
    for state in call.inputs[5:7]:
        if state is not None and not isinstance(state, View) and np.any(state):
            raise call.refusal(
                "starts from a constant state that is not zero",
                expected="Expected zeros, or a state that the model computes.",
                hint="Make it an input of the model.",
            )
    if call.constant(7, "peepholes") is not None:
        raise call.refusal("has peepholes", expected="Expected an LSTM without them.")


RECURRENT: Mapping[str, Reader] = dict.fromkeys(_KINDS, _recurrent)
"""By operator."""
