"""Recurrent layers step by step: for first states that are computed, cell states that are read, and
steps that are skipped. Weights are stored once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinycomp.frontend._keras_activations import named_activation
from tinycomp.frontend._keras_steps import MOST_STEPS
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops._keras import merge, refusal, weight
from tinycomp.ops.add import Add
from tinycomp.ops.batch_normalization import scaled
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.mul import Mul
from tinycomp.ops.strided_slice import StridedSlice

States = tuple[str | None, ...]
"""What a step leaves to the next; None stands for zeros."""


@dataclass
class _Steps:
    """One call of a layer."""

    layer: KerasLayer
    """A GRU, LSTM or SimpleRNN."""
    builder: GraphBuilder
    """Receives its nodes."""
    prefix: str = ""
    """Of the names of a step."""

    @property
    def units(self) -> int:
        return int(self.layer.config["units"])

    def add(self, op: Operator, inputs: Sequence[str], name: str) -> str:
        return self.builder.add(op, inputs, f"{self.prefix}/{name}")

    def joined(self, op: Operator, inputs: Sequence[str], name: str) -> str:
        part = KerasLayer(f"{self.prefix}/{name}", self.layer.class_name, {}, {})
        return merge(op, part, inputs, self.builder)

    def dense(self, x: str, name: str, matrix: Array, offsets: Array | None) -> str:
        """A product with a kernel (in, out)."""
        bias = np.zeros(matrix.shape[1], np.float32) if offsets is None else offsets
        constants = [
            weight(self.builder, self.layer, name, matrix.T),
            weight(self.builder, self.layer, f"{name}/bias", bias),
        ]
        return self.add(FullyConnected(), [x, *constants], f"{name}/share")

    def part(self, x: str, gate: int, name: str) -> str:
        """The sums of one gate."""
        return self.add(StridedSlice(((gate * self.units, self.units, 1),)), [x], f"{name}/sums")

    def sum(self, parts: Sequence[str | None], name: str) -> str:
        known = [each for each in parts if each is not None]
        return known[0] if len(known) == 1 else self.add(Add(), known, name)

    def activated(self, x: str, name: str, gate: bool = False) -> str:
        """With the activation of gates, or of the candidate."""
        op = named_activation(self.layer, "recurrent_activation" if gate else "activation")
        return x if op is None else self.add(op, [x], name)

    def bias(self, row: int = 0) -> Array | None:
        """The layer's, of which a GRU with reset_after has two."""
        found = self.layer.weights.get("bias")
        return found if found is None or found.ndim == 1 else found[row]


def _simple(cell: _Steps, share: str, states: States) -> States:
    back = states[0] and cell.dense(states[0], "recurrent", _recurrent(cell), None)
    return (cell.activated(cell.sum([share, back], "sums"), "state"),)


def _lstm(cell: _Steps, share: str, states: States) -> States:
    """Gates: input, forget, candidate, output."""
    state, kept = states
    back = state and cell.dense(state, "recurrent", _recurrent(cell), None)
    sums = cell.sum([share, back], "sums")
    entering = cell.activated(cell.part(sums, 0, "input"), "input", gate=True)
    new = cell.activated(cell.part(sums, 2, "candidate"), "candidate")
    leaving = cell.activated(cell.part(sums, 3, "output"), "output", gate=True)
    after = cell.add(Mul(), [entering, new], "new")
    if kept is not None:
        forget = cell.activated(cell.part(sums, 1, "forget"), "forget", gate=True)
        old = cell.add(Mul(), [forget, kept], "kept")
        after = cell.add(Add(), [old, after], "cell")
    shown = cell.activated(after, "shown")
    return cell.add(Mul(), [leaving, shown], "state"), after


def _gru(cell: _Steps, share: str, states: States) -> States:
    """Gates: update, reset, candidate."""
    (state,), units = states, cell.units
    matrix, second = _recurrent(cell), cell.bias(1)
    gates = matrix[:, : 2 * units]
    back = state and cell.dense(state, "recurrent_gates", gates, None)
    both = cell.add(StridedSlice(((0, 2 * units, 1),)), [share], "gates/share")
    sums = cell.sum([both, back], "gates/sums")
    update = cell.activated(cell.part(sums, 0, "update"), "update", gate=True)
    reset = cell.activated(cell.part(sums, 1, "reset"), "reset", gate=True)
    own = matrix[:, 2 * units :]
    if cell.layer.config["reset_after"]:
        offsets = None if second is None else second[2 * units :]
        added = _after_reset(cell, state, reset, own, offsets)
    else:
        added = state and cell.dense(
            cell.add(Mul(), [reset, state], "reset_state"), "recurrent", own, None
        )
    candidate = cell.sum([cell.part(share, 2, "candidate"), added], "candidate/sum")
    new = cell.activated(candidate, "candidate")
    rest = scaled(f"{cell.prefix}/rest", update, -1.0, 1.0, cell.builder)
    after = cell.add(Mul(), [rest, new], "new")
    if state is not None:
        after = cell.add(Add(), [cell.add(Mul(), [update, state], "kept"), after], "state")
    return (after,)


def _after_reset(
    cell: _Steps, state: str | None, reset: str, matrix: Array, offsets: Array | None
) -> str | None:
    """The share of the state in the candidate; at first only its bias."""
    if state is not None:
        return cell.add(
            Mul(), [reset, cell.dense(state, "recurrent", matrix, offsets)], "candidate/back"
        )
    if offsets is None or not offsets.any():
        return None
    first = weight(cell.builder, cell.layer, "recurrent/first", offsets)
    return cell.add(Mul(), [reset, first], "candidate/first")


def _recurrent(cell: _Steps) -> Array:
    return cell.layer.weights["recurrent_kernel"]


def _input_bias(cell: _Steps) -> Array | None:
    """With what the state's share adds to gates in any case."""
    first, second = cell.bias(0), cell.bias(1)
    if first is None or second is None or first is second or first.ndim != 1:
        return first
    if cell.layer.class_name != "GRU" or not cell.layer.config["reset_after"]:
        return first
    together = second.copy()
    together[2 * cell.units :] = 0
    return first + together


_STEPS: Mapping[str, Callable[[_Steps, str, States], States]] = {
    "GRU": _gru,
    "LSTM": _lstm,
    "SimpleRNN": _simple,
}


def step_by_step(
    layer: KerasLayer,
    inputs: Sequence[str],
    builder: GraphBuilder,
    mask: str | None = None,
    why: str = "starts from a state that is computed",
) -> tuple[list[str], list[str]]:
    """The outputs of all steps, in the order in which they are computed, and the last states.

    Args:
        layer: a GRU, LSTM or SimpleRNN.
        inputs: rows (steps, features), and perhaps first states.
        builder: receives the nodes.
        mask: (steps, 1), 1 for steps that count and 0 for those that leave the states as they are.
        why: the reason, where there are too many steps.

    Raises:
        ModelError: there are.
    """
    x, *first = inputs
    shape = builder.tensors[x].shape
    if len(shape) != 2 or shape[0] > MOST_STEPS:
        raise refusal(
            layer,
            f"{why}, over steps of {shape}",
            expected=f"Expected at most {MOST_STEPS} steps: each is several layers in C.",
            hint="Shorten the window, or train the layer without it: every inference starts from "
            "zeros, and every step counts.",
        )
    builder.notes.append(
        f"{layer.class_name} {layer.name!r} {why}: its {shape[0]} steps become layers of their "
        "own, with some 1 to 3 KB of flash each; without it they are a loop."
    )
    cell = _Steps(layer, builder, layer.name)
    shares = cell.dense(x, "kernel", layer.weights["kernel"], _input_bias(cell))
    rest = mask and scaled(f"{layer.name}/skipped", mask, -1.0, 1.0, builder)
    count = 2 if layer.class_name == "LSTM" else 1
    states: States = tuple(first) if first else (None,) * count
    order = range(shape[0])
    rows = []
    for number in order[::-1] if layer.config.get("go_backwards") else order:
        cell.prefix = f"{layer.name}/{number}"
        share = _row(cell, shares, number, "share")
        after = _STEPS[layer.class_name](cell, share, states)
        if mask is not None and rest is not None:
            counts = [_row(cell, each, number, title)
                      for each, title in ((mask, "counts"), (rest, "skipped"))]  # fmt: skip
            taken = [cell.joined(Mul(), [str(each), counts[0]], f"taken_{place}")
                     for place, each in enumerate(after)]  # fmt: skip
            after = tuple(
                _held(cell, place, counts[1], *pair)
                for place, pair in enumerate(zip(taken, states, strict=True))
            )
        states = after
        zeros = mask is not None and layer.config.get("zero_output_for_mask")
        rows.append(taken[0] if zeros else str(states[0]))
    return rows, [str(each) for each in states]


def _row(cell: _Steps, x: str, number: int, title: str) -> str:
    size = cell.builder.tensors[x].shape[1]
    return cell.add(StridedSlice(((number, 1, 1), (0, size, 1)), (0,)), [x], title)


def _held(cell: _Steps, place: int, skipped: str, taken: str, old: str | None) -> str:
    """The state that was taken where a step counts, else the old one."""
    if old is None:
        return taken
    left = cell.joined(Mul(), [old, skipped], f"left_{place}")
    return cell.add(Add(), [taken, left], f"held_{place}")
