"""ConvLSTM1D and ConvLSTM2D: an LSTM whose products are convolutions, step by step with the same
weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinycomp.frontend._keras_activations import named_activation
from tinycomp.frontend._keras_steps import MOST_STEPS, joined, steps
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops._keras import keras_window, refusal, weight
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.lstm import GATES
from tinycomp.ops.mul import Mul
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice

CONV_LSTMS = ("ConvLSTM1D", "ConvLSTM2D")


def conv_lstm(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """The states after every step of (steps, height, width, channels), or the last one.

    Raises:
        ModelError: there are too many steps, or it returns its cell state.
    """
    (x,) = inputs
    if layer.config.get("return_state"):
        raise refusal(layer, "has return_state=True", expected="Expected False.")
    flat = layer.class_name == "ConvLSTM1D"
    if flat:
        length, width, channels = builder.tensors[x].shape
        x = builder.add(Reshape((length, width, 1, channels)), [x], f"{layer.name}/images")
        layer = _widened(layer)
    count = builder.tensors[x].shape[0]
    if count > MOST_STEPS:
        raise refusal(
            layer,
            f"reads {count} steps",
            expected=f"Expected at most {MOST_STEPS}: each is several layers in C.",
            hint="Shorten the window, or use Conv2D with the steps as channels.",
        )
    cell = _Cell(layer, builder)
    rows = list(steps(layer.name, x, builder))
    for number, row in enumerate(rows[:: -1 if layer.config.get("go_backwards") else 1]):
        cell.step(row, number)
    sequences = bool(layer.config.get("return_sequences"))
    found = cell.states if sequences else cell.states[-1:]
    if flat:
        height, _, units = builder.tensors[found[0]].shape
        found = [builder.add(Reshape((height, units)), [each], f"{each}/row") for each in found]
    return joined(layer.name, found, builder) if sequences else found[0]


def _widened(layer: KerasLayer) -> KerasLayer:
    """Options and weights over images of width 1."""
    config = dict(layer.config)
    for key in ("kernel_size", "strides", "dilation_rate"):
        size = config[key]
        config[key] = (size if isinstance(size, int) else size[0], 1)
    weights = {
        name: values if name == "bias" else values[:, None]
        for name, values in layer.weights.items()
    }
    return replace(layer, config=config, weights=weights)


class _Cell:
    """The steps of one call."""

    def __init__(self, layer: KerasLayer, builder: GraphBuilder) -> None:
        self.layer, self.builder = layer, builder
        self.units = int(layer.config["filters"])
        self.states: list[str] = []
        self.cell: str | None = None
        self.prefix = layer.name

    def step(self, row: str, number: int) -> None:
        """Append the state after one more row; the first step begins with zeros."""
        self.prefix = f"{self.layer.name}/{number}"
        shape = self.builder.tensors[row].shape
        kernel = self.layer.weights["kernel"]
        window = keras_window(self.layer, shape, (kernel.shape[0], kernel.shape[1]))
        sums = self._convolved(row, "kernel", window, self.layer.weights.get("bias"))
        if self.states:
            back = self.layer.weights["recurrent_kernel"]
            height, width, _ = self.builder.tensors[self.states[-1]].shape
            same = Window.make("same", (height, width), back.shape[:2], (1, 1), (1, 1))
            share = self._convolved(self.states[-1], "recurrent_kernel", same, None)
            sums = self._add(Add(), [sums, share], "sums")
        gates = [self._gate(sums, place) for place in range(len(GATES))]
        cell = self._add(Mul(), [gates[0], gates[2]], "new")
        if self.cell is not None:
            kept = self._add(Mul(), [gates[1], self.cell], "kept")
            cell = self._add(Add(), [kept, cell], "cell")
        self.cell = cell
        shown = self._activated("activation", cell, "shown")
        self.states.append(self._add(Mul(), [gates[3], shown], "state"))

    def _convolved(self, x: str, name: str, window: Window, bias: Array | None) -> str:
        """The share of all gates' sums."""
        values = self.layer.weights[name].transpose(3, 0, 1, 2)
        offsets = np.zeros(len(values), np.float32) if bias is None else bias
        constants = [
            weight(self.builder, self.layer, name, values),
            weight(self.builder, self.layer, f"{name}/bias", offsets),
        ]
        return self._add(Conv2D(window), [x, *constants], f"{name}/share")

    def _gate(self, sums: str, place: int) -> str:
        """A gate, or the candidate."""
        height, width, _ = self.builder.tensors[sums].shape
        parts = ((0, height, 1), (0, width, 1), (place * self.units, self.units, 1))
        name = GATES[place]
        one = self._add(StridedSlice(parts), [sums], f"{name}/sums")
        option = "activation" if name == "cell" else "recurrent_activation"
        return self._activated(option, one, name)

    def _activated(self, option: str, x: str, name: str) -> str:
        op = named_activation(self.layer, option)
        return x if op is None else self._add(op, [x], name)

    def _add(self, op: Operator, inputs: Sequence[str], name: str) -> str:
        return self.builder.add(op, inputs, f"{self.prefix}/{name}")
