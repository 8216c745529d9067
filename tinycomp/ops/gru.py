"""Gated recurrent units: no operator of TFLite, but several at every step, in int8.

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
from tinycomp.ops._recurrent import BLOCK, Recurrent, float_products, over_time, sizes
from tinycomp.ops._recurrent_int8 import (
    SHARE,
    STATE,
    DenseRows,
    added,
    bias_of,
    constants_of,
    lookup,
    sum_scale,
    symmetric,
    times_share,
)
from tinycomp.ops._unrolling import Unrolling
from tinycomp.ops._weighted import weights_and_bias


@dataclass(frozen=True)
class Gru(Recurrent):
    """A gated recurrent unit: state = update * state + (1 - update) * candidate. The activations
    are sigmoid and tanh.

    The bias is one a row of the weights; with reset_after the candidate has a second one, which is
    added to what the state adds.
    """

    name: ClassVar[str] = "gru"
    keras_names: ClassVar[tuple[str, ...]] = ("GRU",)
    hidden: ClassVar[tuple[str, ...]] = (
        "gate_share", "gate_back", "gates", "share", "back", "candidate",
    )  # fmt: skip
    repacked: ClassVar[bool] = True
    phrase: ClassVar[str] = "A GRU"
    gates: ClassVar[int] = 3

    reset_after: bool = True
    """Whether the reset gate multiplies what the state adds to the candidate; else the state."""
    scales: tuple[float, float] | None = None
    """Of an int8 graph, or of one that was trained for int8: the scales of the gates' sums and of
    the candidate's; zero points are 0.
    """

    def biases(self, units: int) -> int:
        """A second one for each candidate with reset_after."""
        return (self.gates + self.reset_after) * units

    def output_range(self, operands: Operands) -> OutputRange:
        """Fixed: that of tanh."""
        return OutputRange(fixed=STATE)

    def bias_scales(self, source: float, weights: Array, count: int) -> Array:
        """The second bias of a candidate is added to a sum over the state."""
        if not self.reset_after:
            return super().bias_scales(source, weights, count)
        units = count // (self.gates + 1)
        of_rows = np.broadcast_to(weights, (self.gates * units,))
        return np.concatenate(
            [np.float32(source) * of_rows, np.float32(STATE.scale) * of_rows[-units:]]
        )

    def quantized(self, magnitudes: Mapping[str, float]) -> Operator:
        """One scale for a sum and its parts."""
        if self.scales is not None:
            return self
        gates = sum_scale(magnitudes, "gate_share", "gate_back", "gates")
        candidate = sum_scale(magnitudes, "share", "back", "candidate")
        return replace(self, scales=(gates, candidate))

    def unquantized(self) -> Operator:
        """Without scales."""
        return replace(self, scales=None)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Row by row, for all samples at once."""
        rows, (x,) = self._rows(operands), inputs
        units = operands.output.shape[1]
        sigmoid, tanh = self._tables(operands)
        of_gates, of_candidates = slice(0, 2 * units), slice(2 * units, None)
        shares = rows.of_input(x)
        state = np.zeros((len(x), units), np.int8)
        states = []
        for step in range(x.shape[1]):
            share = shares[:, step]
            sums = added(share[:, of_gates], rows.of_state(state, of_gates))
            update, reset = np.split(sigmoid[sums.astype(int) + 128], 2, axis=1)
            if self.reset_after:
                back = times_share(reset, rows.of_state(state, of_candidates))
            else:
                back = rows.of_state(times_share(reset, state), of_candidates)
            candidate = tanh[added(share[:, of_candidates], back).astype(int) + 128]
            state = added(times_share(update, state), times_share(-1 - update, candidate))
            states.append(state)
        return np.stack(states, axis=1)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined; with scales every value is rounded."""
        from keras import ops

        sums, candidates = self._sums(operands) if self.scales else (None, None)
        of_state, of_share = (STATE, SHARE) if self.scales else (None, None)
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
            gates = ops.sigmoid(rounded(share[:, :both] + back, sums))
            update, reset = ops.split(rounded(gates, of_share), 2, axis=-1)
            if self.reset_after:
                back = rounded(ops.matmul(state, of_candidate) + bias_of_state, candidates)
                back = rounded(reset * back, candidates)
            else:
                kept = rounded(reset * state, of_state)
                back = rounded(ops.matmul(kept, of_candidate), candidates)
            candidate = ops.tanh(rounded(share[:, both:] + back, candidates))
            new = rounded((one - update) * rounded(candidate, of_state), of_state)
            return [rounded(rounded(update * state, of_state) + new, of_state)]

        return over_time(step, shares, 1, units)

    def kernel(self, operands: Operands) -> KernelCall:
        """State, gates and candidates are in scratch, then a block of weights. Rows of the gates
        fill whole blocks: the last one is repeated.
        """
        _, features, units = sizes(operands)
        sigmoid, tanh = self._tables(operands)
        padded = -(-2 * units // BLOCK) * BLOCK
        order = np.minimum(np.arange(padded), 2 * units - 1)
        order = np.concatenate([order, np.arange(2 * units, 3 * units)])
        codebook = weights_and_bias(operands)[0].codebook
        return KernelCall(
            "gru",
            {
                "inputs": features,
                "units": units,
                "reset_after": int(self.reset_after),
                **self._rows(operands).fields(codebook, order),
                "sigmoid": sigmoid,
                "tanh": tanh,
            },
            scratch=-(-(3 * units + padded) // 4) * 4,
            keeps_scratch=True,
        )

    def expansion(self, operands: Operands) -> Graph:
        """Step by step, float or int8."""
        return _unrolled(self, operands)

    @classmethod
    def of_keras(cls, layer: KerasLayer, features: int) -> tuple[Recurrent, Array]:
        """The biases of the gates are added up."""
        after = bool(layer.config.get("reset_after", True))
        units = layer.weights["recurrent_kernel"].shape[0]
        bias = layer.weights.get("bias")
        if bias is None:
            bias = np.zeros((2, 3 * units) if after else 3 * units, np.float32)
        if not after:
            return cls(False), bias
        gates = bias[0, : 2 * units] + bias[1, : 2 * units]
        return cls(), np.concatenate([gates, bias[0, 2 * units :], bias[1, 2 * units :]])

    def _sums(self, operands: Operands) -> tuple[QuantizationParameters, QuantizationParameters]:
        """The quantization of the gates' sums and of the candidates'."""
        if self.scales is None:
            raise ModelError(
                f"{operands.output.name!r} (GRU) has no scales of its sums.",
                hint="Quantize the model first.",
            )
        return symmetric(self.scales[0]), symmetric(self.scales[1])

    def _rows(self, operands: Operands) -> DenseRows:
        if parameters(operands.output) != STATE:
            raise ModelError(
                f"{operands.output.name!r} (GRU) has the scale {parameters(operands.output)}.",
                expected="Expected 1/128 and the zero point 0.",
            )
        units = operands.output.shape[1]
        gates, candidate = (each.scale for each in self._sums(operands))
        return DenseRows.of(operands, np.repeat([gates, candidate], [2 * units, units]))

    def _tables(self, operands: Operands) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Of sigmoid and of tanh."""
        gates, candidate = self._sums(operands)
        return lookup("logistic", gates), lookup("tanh", candidate)


def _unrolled(op: Gru, operands: Operands) -> Graph:
    made, (steps, _, units) = Unrolling(operands), sizes(operands)
    integer = operands.output.dtype == "int8"
    gates, candidate = op._sums(operands) if integer else (None, None)
    state_scale, share_scale = (STATE, SHARE) if integer else (None, None)
    source = parameters(operands.activations[0]).scale if integer else 1.0
    both = slice(0, 2 * units)
    gate_weights = constants_of(made, operands, "gate", both)
    weights = constants_of(made, operands, "candidate", slice(2 * units, None))

    def bias(name: str, values: slice | int, of: int, side: int) -> Any:
        matrix = (gate_weights, weights)[of][side]
        return bias_of(made, operands, name, values, matrix, (source, STATE.scale)[side])

    gate_bias, no_bias = bias("gate_bias", both, 0, 0), bias("gate_no_bias", 2 * units, 0, 1)
    input_bias = bias("bias", slice(2 * units, 3 * units), 1, 0)
    second = slice(3 * units, None) if op.reset_after else units
    state_bias = bias("state_bias", second, 1, 1)
    zeros, ones = (
        made.constant(name, np.full((1, units), value, np.int8 if integer else np.float32), scale)
        for name, value, scale in (
            ("zeros", 0, state_scale), ("ones", 127 if integer else 1, share_scale),
        )
    )  # fmt: skip
    state: Any = zeros
    for step in range(steps):

        def add(kind: str, inputs: list[Any], name: str, scale: Any = None, at: int = step) -> Any:
            return made.add(kind, inputs, name, at, scale)

        row = made.row(step)
        share = add("fully_connected", [row, gate_weights[0], gate_bias], "gate_share", gates)
        back = add("fully_connected", [state, gate_weights[1], no_bias], "gate_back", gates)
        sums = add("add", [share, back], "gates", gates)
        shares = add("logistic", [sums], "gate_values", share_scale)
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
        fresh = add("tanh", [sums], "candidate_value", state_scale)
        rest = add("subtract", [ones, update], "rest", share_scale)
        old = add("mul", [update, state], "old", state_scale)
        new = add("mul", [rest, fresh], "new", state_scale)
        state = add("add", [old, new], "state", state_scale)
        made.states.append(state)
    return made.graph()
