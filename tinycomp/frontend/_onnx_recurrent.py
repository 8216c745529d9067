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
from tinycomp.ops._recurrent import turned
from tinycomp.ops._registry import by_keras_name
from tinycomp.ops.concatenation import Concatenation
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
    """States of all steps (steps, directions, batch, units), and the last (directions, batch,
    units).
    """
    kind, x = _KINDS[call.node.kind], call.view()
    ways = _WAYS[call.attribute("direction", "forward")]
    _require_usual(call, kind, x, len(ways))
    steps = x.shape[1 if call.attribute("layout", 0) else 0]
    source = call.weaver.take(x, (0, 1, 2), (steps, x.shape[2]))
    wanted = [bool(name) for name in (*call.node.outputs, "", "")[:2]]
    rows, lasts = [], []
    for number, backwards in enumerate(ways):
        layer = _layer(call, kind, number, backwards, sequences=wanted[0])
        found = by_keras_name()[kind.layer].from_keras(layer, [source], call.weaver.builder)
        if wanted[0]:
            if wanted[1]:
                lasts.append(_last(call, found, layer.name))
            if backwards:
                found = turned(found, f"{layer.name}/turned", call.weaver.builder)
            rows.append(found)
        else:
            lasts.append(found)
    return _outputs(call, rows, lasts, steps, len(ways))


def _outputs(
    call: Call, rows: Sequence[str], lasts: Sequence[str], steps: int, ways: int
) -> list[View]:
    """As ONNX sees them; the batch, of 1, is first with layout=1."""
    units = int(call.required(2, "weights of the state").shape[2])
    first = bool(call.attribute("layout", 0))
    found: list[View] = []
    all_shape = (1, steps, ways, units) if first else (steps, ways, 1, units)
    last_shape = (1, ways, units) if first else (ways, 1, units)
    for names, shape, size in ((rows, all_shape, steps), (lasts, last_shape, 1)):
        if not names:
            found.append(view("", shape))
            continue
        part = "joined" if size > 1 else "last"
        name = names[0] if ways == 1 else call.add(Concatenation(-1), list(names), part)
        whole = view(name, (size, ways * units)).reshaped(shape)
        assert whole is not None
        found.append(whole)
    return found


def _last(call: Call, rows: str, name: str) -> str:
    """The last row of a tensor (steps, units)."""
    steps, units = call.weaver.shape(rows)
    op = StridedSlice(((steps - 1, 1, 1), (0, units, 1)), (0,))
    return call.weaver.add(op, [rows], f"{name}/last")


def _layer(call: Call, kind: _Kind, number: int, backwards: bool, sequences: bool) -> KerasLayer:
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
        "reset_after": bool(call.attribute("linear_before_reset", 0)),
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
    if lengths is not None and np.any(lengths != x.shape[1 - batch]):
        raise call.refusal(
            f"reads {lengths} steps of {x.shape[1 - batch]}", expected="Expected all steps."
        )
    for index in (5, 6):
        state = call.constant(index, "an initial state")
        if state is not None and np.any(state):
            raise call.refusal("starts from a state that is not zero", expected="Expected zeros.")
    if call.constant(7, "peepholes") is not None:
        raise call.refusal("has peepholes", expected="Expected an LSTM without them.")
    if any(call.node.outputs[2:]):
        raise call.refusal("returns its cell state", expected="Expected the states alone.")


RECURRENT: Mapping[str, Reader] = dict.fromkeys(_KINDS, _recurrent)
"""By operator."""
