"""LSTMs step by step, as operators of a .tflite: gates and states int8, the cell state int16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Operands, QuantizationParameters, Tensor
from tinycomp.ops._quantized import parameters
from tinycomp.ops._recurrent import sizes
from tinycomp.ops._recurrent_steps import SHARE, TYPES, bias_of, constants_of, symmetric
from tinycomp.ops._registry import operators
from tinycomp.ops._unrolling import Unrolling

WIDE = TYPES["int16"]
"""Of the cell state and what it is made of."""
STEPS = 256
"""Steps of an int16 value in one of the int8 value that it is made of."""


def unrolled(op: Any, operands: Operands) -> Graph:
    """The graph of a node, step by step, on int8 or float32. op: an LstmSteps."""
    made, (steps, _, units) = Unrolling(operands), sizes(operands)
    step_of = _Step(op, made, units, made.dtype == "int8")
    scales = (1.0, 1.0)
    if step_of.integer:
        scales = parameters(operands.activations[0]).scale, op.state.scale
    of_gates = np.concatenate([np.arange(2 * units), np.arange(3 * units, 4 * units)])
    sides = {}
    for name, rows in (("gate", of_gates), ("candidate", np.arange(2 * units, 3 * units))):
        inputs, states = constants_of(made, operands, name, rows)
        bias = bias_of(made, operands, f"{name}_bias", rows, inputs, scales[0])
        no_bias = bias_of(made, operands, f"{name}_no_bias", len(rows), states, scales[1])
        sides[name] = (inputs, bias), (states, no_bias)
    zeros = np.zeros((1, units), made.dtype)
    cells = zeros.astype("int16") if step_of.integer else zeros
    state: Any = made.constant("zeros", zeros, step_of.quantization("state"))
    cell: Any = made.constant("no_cell", cells, step_of.quantization("cell"))
    if made.first is not None:
        state, cell = step_of.start(state)
    for step in range(steps):
        row = made.row(step)
        sums = []
        for name, prefix in (("gate", "gate_"), ("candidate", "")):
            known = step_of.quantization(f"{name}s" if prefix else name)
            parts = [
                made.add("fully_connected", [x, *sides[name][side]], f"{prefix}{part}", step, known)
                for side, (x, part) in enumerate(((row, "share"), (state, "back")))
            ]
            sums.append(made.add("add", parts, "gates" if prefix else name, step, known))
        after, next_cell = step_of.states(sums[0], sums[1], cell, step)
        state = made.held(after, state, "held", step)
        cell = made.held(next_cell, cell, "held_cell", step)
        made.states.append(step_of.row(state, cell, step) if op.cell_rows else state)
    return made.graph()


@dataclass(frozen=True, eq=False)
class _Step:
    """What a step makes of the sums, as operators of the unrolled graph."""

    op: Any
    """An LstmSteps."""
    made: Unrolling
    """The unrolled graph."""
    units: int
    """Values of a state."""
    integer: bool
    """Whether the graph is int8."""

    def quantization(self, name: str) -> QuantizationParameters | None:
        """Of what a scale is named for; None in a float graph."""
        if not self.integer:
            return None
        assert self.op.scales is not None
        return symmetric(getattr(self.op.scales, name))

    def states(self, sums: Tensor, candidate: Tensor, cell: Any, step: int) -> tuple[Any, Any]:
        """The next state and cell state."""
        made, units = self.made, self.units
        share = SHARE if self.integer else None
        gates = made.apply(self.op.gate, [sums], "gate_values", step, share)
        enter, forget, leave = (
            made.columns(gates, at * units, units, name, step)
            for at, name in enumerate(("enter", "forget", "leave"))
        )
        known = self.quantization("fresh")
        fresh = made.apply(self.op.curve, [candidate], "candidate_value", step, known)
        wide = self._wide(fresh, "wide_candidate", step, (known.scale / STEPS) if known else 1.0)
        mul, add = (operators()[name]() for name in ("mul", "add"))
        of_cell, dtype = self.quantization("cell"), "int16" if self.integer else None
        parts = [
            made.apply(mul, [self._wide(gate, name, step), x], title, step, of_cell, dtype)
            for gate, name, x, title in (
                (forget, "wide_forget", cell, "kept"), (enter, "wide_enter", wide, "added"),
            )
        ]  # fmt: skip
        cell = made.apply(add, parts, "cell", step, of_cell, dtype)
        read = cell
        if self.integer:
            narrow = operators()["quantize"]()
            read = made.apply(narrow, [cell], "narrow_cell", step, self.quantization("shown"))
        shown = made.apply(self.op.curve, [read], "shown", step, self.quantization("state"))
        state = made.apply(mul, [leave, shown], "state", step, self.quantization("state"))
        return state, cell

    def start(self, zeros: Any) -> tuple[Tensor, Tensor]:
        """State and cell state of the output's row before the first."""
        whole, move = self.made.start(zeros), operators()["strided_slice"]
        assert isinstance(whole, Tensor)
        parts = (((0, 1, 1), (at * self.units, self.units, 1)) for at in (0, 1))
        wide, cell = (
            self.made.apply(move(part), [whole], name, 0, dtype=whole.dtype)  # type: ignore[call-arg]
            for part, name in zip(parts, ("first_state", "first_cell"), strict=True)
        )
        if not self.integer:
            return wide, cell
        narrow, known = operators()["quantize"](), self.quantization("state")
        return self.made.apply(narrow, [wide], "narrow_state", 0, known), cell

    def row(self, state: Any, cell: Any, step: int) -> Tensor:
        """A row of the output: state and cell state."""
        known, join = self.quantization("cell"), operators()["concatenation"](axis=1)  # type: ignore[call-arg]
        if self.integer:
            widen = operators()["quantize"]()
            state = self.made.apply(widen, [state], "wide_state", step, known, "int16")
        return self.made.apply(join, [state, cell], "rows", step, known, cell.dtype)

    def _wide(self, x: Tensor, name: str, step: int, scale: float = WIDE.share.scale) -> Tensor:
        """An int8 value on int16; itself in a float graph."""
        if not self.integer:
            return x
        widen = operators()["quantize"]()
        return self.made.apply(widen, [x], name, step, symmetric(scale), "int16")
