"""Gated recurrent units: no operator of TFLite, but several at every step, on int8 or int16.

Gates: update, reset, candidate, as in Keras. The sums of the gates have one scale, those of the
candidate another; both are chosen over all steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import KerasLayer, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters
from tinycomp.ops._differentiable import rounded
from tinycomp.ops._quantized import parameters
from tinycomp.ops._recurrent import (
    ACTIVATIONS,
    BLOCK,
    Recurrent,
    first_row,
    float_products,
    holder,
    over_time,
    sizes,
    start_fields,
)
from tinycomp.ops._recurrent_int8 import activation_of, curve, lookup, row_fields
from tinycomp.ops._recurrent_steps import (
    SHARE,
    STATE,
    TYPES,
    Curve,
    DenseRows,
    bias_of,
    constants_of,
    symmetric,
)
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops._unrolling import Unrolling
from tinycomp.ops._weighted import weights_and_bias


@dataclass(frozen=True)
class Gru(Recurrent):
    """A gated recurrent unit: state = update * state + (1 - update) * candidate. The activations
    are sigmoid and tanh, or others.

    The bias is one a row of the weights; with reset_after the candidate has a second one, which is
    added to what the state adds.
    """

    name: ClassVar[str] = "gru"
    keras_names: ClassVar[tuple[str, ...]] = ("GRU",)
    hidden: ClassVar[tuple[str, ...]] = (
        "gate_share", "gate_back", "gates", "share", "back", "candidate", "candidate_value",
    )  # fmt: skip
    repacked: ClassVar[bool] = True
    phrase: ClassVar[str] = "A GRU"
    gates: ClassVar[int] = 3

    reset_after: bool = True
    """Whether the reset gate multiplies what the state adds to the candidate; else the state."""
    scales: tuple[float, float] | None = None
    """Of an integer graph, or of one that was trained for int8: the scales of the gates' sums and
    of the candidate's; zero points are 0.
    """
    activation: Operator | None = None
    """Of the candidate; None: tanh."""
    recurrent_activation: Operator | None = None
    """Of the gates, with values from 0 to 1; None: sigmoid."""
    state_scale: float | None = None
    """Like `scales`, of the states after another activation than tanh, or after larger ones that
    were given.
    """

    @property
    def bytes_only(self) -> bool:
        """Of other activations LiteRT has no int16 form."""
        others = self.activation is not None or self.recurrent_activation is not None
        return others or self.state_scale is not None

    def biases(self, units: int) -> int:
        """A second one for each candidate with reset_after."""
        return (self.gates + self.reset_after) * units

    def output_range(self, operands: Operands) -> OutputRange:
        """Fixed: that of tanh; of other activations centred, wide enough for candidates."""
        if self.activation is not None:
            return OutputRange(centred=True, covers=("candidate_value",))
        return OutputRange(fixed=self.state)

    def carrying(self, magnitude: float) -> Operator:
        """States that start beyond those of tanh have a scale that covers them."""
        if self.activation or magnitude <= 1:
            return self
        return replace(self, state_scale=magnitude / 127)

    def bias_scales(self, source: float, weights: Array, count: int, dtype: str = "int8") -> Array:
        """The second bias of a candidate is added to a sum over the state."""
        if not self.reset_after:
            return super().bias_scales(source, weights, count, dtype)
        units = count // (self.gates + 1)
        of_rows = np.broadcast_to(weights, (self.gates * units,))
        state = np.float32(self.state_scale or TYPES[dtype].state.scale)
        return np.concatenate([np.float32(source) * of_rows, state * of_rows[-units:]])

    def quantized(
        self, magnitudes: Mapping[str, float], dtype: str = "int8", output: float = 1.0
    ) -> Operator:
        """One scale for a sum and its parts."""
        if self.scales is not None and dtype == "int8":
            return self
        scale = TYPES[dtype].sum_scale
        gates = scale(magnitudes, "gate_share", "gate_back", "gates")
        candidate = scale(magnitudes, "share", "back", "candidate")
        state = output if self.activation else self.state_scale
        return replace(self, scales=(gates, candidate), state_scale=state)

    def unquantized(self) -> Operator:
        """Without scales."""
        return replace(self, scales=None, state_scale=None)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Row by row, for all samples at once."""
        gates, candidate = self.sums(operands)
        curves = curve(self.gate, gates, SHARE), curve(self.curve, candidate, self.state)
        return self.states(operands, inputs, *curves)

    def states(
        self, operands: Operands, inputs: Sequence[Array], sigmoid: Curve, tanh: Curve
    ) -> Array:
        """The states after every row, of all samples at once.

        Args:
            operands: of an integer graph.
            inputs: (samples, steps, features), and perhaps a mask.
            sigmoid: of the gates' sums.
            tanh: of the candidates' sums.
        """
        rows, units = self.rows(operands), operands.output.shape[1]
        of_gates, of_candidates = slice(0, 2 * units), slice(2 * units, None)
        kind, shares, held = rows.kind, rows.of_input(inputs[0]), holder(operands, inputs)
        state = first_row(operands, inputs)
        states = []
        for step in range(shares.shape[1]):
            share = shares[:, step]
            sums = kind.added(share[:, of_gates], rows.of_state(state, of_gates))
            update, reset = np.split(sigmoid(sums), 2, axis=1)
            if self.reset_after:
                back = kind.times_share(reset, rows.of_state(state, of_candidates))
            else:
                back = rows.of_state(kind.times_share(reset, state), of_candidates)
            candidate = tanh(kind.added(share[:, of_candidates], back))
            new = kind.times_share(kind.rest(update), candidate)
            state = held(step, kind.added(kind.times_share(update, state), new), state)
            states.append(state)
        return np.stack(states, axis=1)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined; with scales every value is rounded."""
        from keras import ops

        sums, candidates = self.sums(operands) if self.scales else (None, None)
        of_state, of_share = (self.state, SHARE) if self.scales else (None, None)
        gate, curved = self.gate, self.curve
        one = 1.0 if of_share is None else 1 - of_share.scale
        products, recurrent = float_products(operands, inputs)
        _, _, units = sizes(operands)
        both, bias_of_state = 2 * units, inputs[2][3 * units :]
        of_gates, of_candidate = recurrent[:, :both], recurrent[:, both:]
        shares = ops.concatenate(
            [rounded(products[..., :both], sums), rounded(products[..., both:], candidates)], -1
        )

        def step(share: Any, states: Sequence[Any]) -> list[Any]:
            (state,) = states
            back = rounded(ops.matmul(state, of_gates), sums)
            gates = gate.differentiable(operands, [rounded(share[:, :both] + back, sums)])
            update, reset = ops.split(rounded(gates, of_share), 2, axis=-1)
            if self.reset_after:
                back = rounded(ops.matmul(state, of_candidate) + bias_of_state, candidates)
                back = rounded(reset * back, candidates)
            else:
                kept = rounded(reset * state, of_state)
                back = rounded(ops.matmul(kept, of_candidate), candidates)
            total = rounded(share[:, both:] + back, candidates)
            candidate = curved.differentiable(operands, [total])
            new = rounded((one - update) * rounded(candidate, of_state), of_state)
            return [rounded(rounded(update * state, of_state) + new, of_state)]

        return over_time(step, shares, 1, units, inputs)

    def kernel(self, operands: Operands) -> KernelCall:
        """State, gates and candidates are in scratch, then a block of weights. Rows of the gates
        fill whole blocks: the last one is repeated.
        """
        _, features, units = sizes(operands)
        gates, candidate = self.sums(operands)
        order = row_order(units)
        codebook = weights_and_bias(operands)[0].codebook
        return KernelCall(
            "gru",
            {
                "inputs": features,
                "units": units,
                "reset_after": int(self.reset_after),
                **start_fields(operands),
                **row_fields(self.rows(operands), codebook, order),
                "sigmoid": lookup(self.gate, gates, SHARE),
                "tanh": lookup(self.curve, candidate, self.state),
            },
            scratch=-(-(2 * units + len(order)) // 4) * 4,
            keeps_scratch=True,
        )

    def expansion(self, operands: Operands) -> Graph:
        """Step by step, of the output's type."""
        return _unrolled(self, operands)

    @classmethod
    def of_keras(cls, layer: KerasLayer, features: int) -> tuple[Recurrent, Array]:
        """The biases of the gates are added up."""
        after = bool(layer.config.get("reset_after", True))
        units = layer.weights["recurrent_kernel"].shape[0]
        bias = layer.weights.get("bias")
        if bias is None:
            bias = np.zeros((2, 3 * units) if after else 3 * units, np.float32)
        op = cls(after, None, *(layer.config.get(each) for each in ACTIVATIONS))
        if not after:
            return op, bias
        gates = bias[0, : 2 * units] + bias[1, : 2 * units]
        return op, np.concatenate([gates, bias[0, 2 * units :], bias[1, 2 * units :]])

    def sums(self, operands: Operands) -> tuple[QuantizationParameters, QuantizationParameters]:
        """The quantization of the gates' sums and of the candidates'.

        Raises:
            ModelError: it has none.
        """
        if self.scales is None:
            raise ModelError(
                f"{operands.output.name!r} (GRU) has no scales of its sums.",
                hint="Quantize the model first.",
            )
        return symmetric(self.scales[0]), symmetric(self.scales[1])

    def rows(self, operands: Operands) -> DenseRows:
        """What its weights compute, of an integer graph."""
        units = operands.output.shape[1]
        gates, candidate = (each.scale for each in self.sums(operands))
        scales = np.repeat([gates, candidate], [2 * units, units])
        return DenseRows.of(operands, scales, self.state if self.state_scale else None)

    @property
    def state(self) -> QuantizationParameters:
        """The quantization of states on int8."""
        return STATE if self.state_scale is None else symmetric(self.state_scale)

    @property
    def gate(self) -> UnaryOperator:
        """The gates' activation."""
        return activation_of(self.recurrent_activation, "logistic")

    @property
    def curve(self) -> UnaryOperator:
        """The candidate's activation."""
        return activation_of(self.activation, "tanh")


def row_order(units: int) -> NDArray[np.int64]:
    """The rows of the weights as kernels read them: those of the gates fill whole blocks, and the
    last one is repeated.
    """
    padded = -(-2 * units // BLOCK) * BLOCK
    order = np.minimum(np.arange(padded), 2 * units - 1)
    return np.concatenate([order, np.arange(2 * units, 3 * units)])


def _unrolled(op: Gru, operands: Operands) -> Graph:
    made, (steps, _, units) = Unrolling(operands), sizes(operands)
    kind = TYPES.get(made.dtype)
    gates, candidate = op.sums(operands) if kind else (None, None)
    state_scale, share_scale, scales = None, None, (1.0, 1.0)
    if kind:
        state_scale, share_scale = op.state if op.state_scale else kind.state, kind.share
        scales = parameters(operands.activations[0]).scale, state_scale.scale
    both = slice(0, 2 * units)
    gate_weights = constants_of(made, operands, "gate", both)
    weights = constants_of(made, operands, "candidate", slice(2 * units, None))

    def bias(name: str, values: slice | int, of: int, side: int) -> Any:
        matrix = (gate_weights, weights)[of][side]
        return bias_of(made, operands, name, values, matrix, scales[side])

    gate_bias, no_bias = bias("gate_bias", both, 0, 0), bias("gate_no_bias", 2 * units, 0, 1)
    input_bias = bias("bias", slice(2 * units, 3 * units), 1, 0)
    second = slice(3 * units, None) if op.reset_after else units
    state_bias = bias("state_bias", second, 1, 1)
    zeros, ones = (
        made.constant(name, np.full((1, units), value, operands.output.dtype), scale)
        for name, value, scale in (
            ("zeros", 0, state_scale), ("ones", kind.highest if kind else 1, share_scale),
        )
    )  # fmt: skip
    state: Any = made.start(zeros)
    for step in range(steps):

        def add(kind: str, inputs: list[Any], name: str, scale: Any = None, at: int = step) -> Any:
            return made.add(kind, inputs, name, at, scale)

        row = made.row(step)
        share = add("fully_connected", [row, gate_weights[0], gate_bias], "gate_share", gates)
        back = add("fully_connected", [state, gate_weights[1], no_bias], "gate_back", gates)
        sums = add("add", [share, back], "gates", gates)
        shares = made.apply(op.gate, [sums], "gate_values", step, share_scale)
        update = made.columns(shares, 0, units, "update", step)
        reset = made.columns(shares, units, units, "reset", step)
        share = add("fully_connected", [row, weights[0], input_bias], "share", candidate)
        if op.reset_after:
            back = add("fully_connected", [state, weights[1], state_bias], "back", candidate)
            back = add("mul", [reset, back], "reset_back", candidate)
        else:
            kept = add("mul", [reset, state], "reset_state", state_scale)
            back = add("fully_connected", [kept, weights[1], state_bias], "back", candidate)
        sums = add("add", [share, back], "candidate", candidate)
        fresh = made.apply(op.curve, [sums], "candidate_value", step, state_scale)
        rest = add("subtract", [ones, update], "rest", share_scale)
        old = add("mul", [update, state], "old", state_scale)
        new = add("mul", [rest, fresh], "new", state_scale)
        after = add("add", [old, new], "state", state_scale)
        state = made.held(after, state, "held", step)
        made.states.append(state)
    return made.graph()
