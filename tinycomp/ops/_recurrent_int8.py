"""Recurrent layers that are several int8 operators of LiteRT at every step.

Each row of the weights gives two int8 values, like a dense layer each: its share of the input, and
what the state adds. Both have the scale of their sum and the zero point 0, so that an addition is
exact but for saturation. States have the scale of tanh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import exact_multiplier, requantize, scale_and_round
from tinycomp.ir.kernel_call import Channels, Member, Weights
from tinycomp.ir.tensor import Array, Constant, Operands, QuantizationParameters, Tensor
from tinycomp.ops._quantized import parameters, saturate
from tinycomp.ops._recurrent import BLOCK, products, split_weights
from tinycomp.ops._registry import operators
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops._unrolling import Unrolling
from tinycomp.ops._weighted import weights_and_bias

STATE = QuantizationParameters((1 / 128,), (0,))
"""Of states and of what tanh returns."""
SHARE = QuantizationParameters((1 / 256,), (-128,))
"""Of what sigmoid returns."""
_LEAST_MAGNITUDE = 2.0**-8
"""Of sums that are zero on all calibration data."""
_LIMIT = 1 << 31


def symmetric(scale: float) -> QuantizationParameters:
    """One scale, and the zero point 0."""
    return QuantizationParameters((float(np.float32(scale)),), (0,))


def sum_scale(magnitudes: Mapping[str, float], *names: str) -> float:
    """The scale of sums and of their parts, from the largest magnitudes of all."""
    most = max(_LEAST_MAGNITUDE, *(magnitudes[name] for name in names))
    return float(np.float32(most / 127))


def lookup(kind: str, source: QuantizationParameters) -> NDArray[np.int8]:
    """The 256 outputs of sigmoid ("logistic") or "tanh"; entry q + 128 is for q."""
    op = operators()[kind]()
    assert isinstance(op, UnaryOperator)
    target = STATE if kind == "tanh" else SHARE
    tensors = (Tensor("sum", (1,), "int8", source), Tensor("value", (1,), "int8", target))
    return op.table(Operands(tensors[:1], tensors[1:]))


def times_share(shares: Array, values: Array) -> NDArray[np.int8]:
    """Products with what sigmoid returns, in the scale of the values, as MUL computes them."""
    product = (shares.astype(np.int64) + 128) * values.astype(np.int64)
    return saturate(requantize(product, 1 << 30, -7))


def added(first: Array, second: Array) -> NDArray[np.int8]:
    """The sum of values of one scale, as ADD computes it."""
    return saturate(first.astype(np.int64) + second)


@dataclass(frozen=True, eq=False)
class DenseRows:
    """The dense layers of one step, a row of the weights each."""

    inputs: NDArray[np.int8]
    """(rows, features)."""
    states: NDArray[np.int8]
    """(rows, units)."""
    input_starts: NDArray[np.int64]
    """What sums over the input start at: the bias, the input's zero point folded in."""
    state_starts: NDArray[np.int64]
    """What sums over the state start at."""
    input_factors: NDArray[np.float64]
    """From sums over the input to steps of the output."""
    state_factors: NDArray[np.float64]
    """From sums over the state to steps of the output."""

    @classmethod
    def of(cls, operands: Operands, scales: NDArray[np.float64]) -> DenseRows:
        """Biases beyond one a row are of the last rows' sums over the state.

        Args:
            operands: of the recurrent operator.
            scales: of each row's sum.

        Raises:
            ModelError: a sum could exceed int32.
        """
        inputs, states = split_weights(operands)
        weights, bias = weights_and_bias(operands)
        rows = len(inputs)
        known = np.array(parameters(weights).scales, np.float64)
        source = parameters(operands.activations[0])
        values = bias.values.astype(np.int64)
        starts = values[:rows] - source.zero_point * inputs.sum(axis=1, dtype=np.int64)
        behind = np.zeros(rows, np.int64)
        behind[len(behind) - (len(values) - rows) :] = values[rows:]
        made = cls(
            inputs,
            states,
            starts,
            behind,
            np.broadcast_to(source.scale * known / scales, (rows,)),
            np.broadcast_to(STATE.scale * known / scales, (rows,)),
        )
        made.require_reach(operands.output.name)
        return made

    def require_reach(self, name: str) -> None:
        """Check that sums stay within 32 bits."""
        for matrix, starts in ((self.inputs, self.input_starts), (self.states, self.state_starts)):
            reach = np.abs(starts) + 128 * np.abs(matrix.astype(np.int64)).sum(axis=1)
            if reach.max(initial=0) >= _LIMIT:
                raise ModelError(
                    f"The sums of {name!r} can reach {reach.max():.3g}: more than 32 bits.",
                    hint="Give the layer fewer inputs or smaller biases, or calibrate it with "
                    "other data.",
                )

    def of_input(self, x: Array) -> NDArray[np.int8]:
        """The input's share, (..., rows)."""
        sums = products(x, self.inputs) + self.input_starts
        return saturate(scale_and_round(sums, self.input_factors))

    def of_state(self, state: Array, rows: slice) -> NDArray[np.int8]:
        """What the state adds, (..., rows), for some rows."""
        sums = products(state, self.states[rows]) + self.state_starts[rows]
        return saturate(scale_and_round(sums, self.state_factors[rows]))

    def fields(
        self, codebook: NDArray[np.int8] | None, order: NDArray[np.int64]
    ) -> dict[str, Member]:
        """Members of a kernel's struct: weights and constants, with the rows in this order."""
        whole = np.concatenate([self.inputs, self.states], axis=1)
        if codebook is not None and len(codebook) > 1:
            codebook = codebook[order]
        found: dict[str, Member] = {"weights": Weights(whole[order], BLOCK, codebook)}
        for name, factors, starts in (
            ("input", self.input_factors, self.input_starts),
            ("state", self.state_factors, self.state_starts),
        ):
            exact = exact_multiplier(factors[order], -128, 127)
            start = starts[order].astype(np.int32)
            found[f"{name}_rows"] = Channels(start, exact.shift, exact.multiplier)
            extended = exact.extension.any()
            found[f"{name}_extension"] = exact.extension if extended else 0
        return found


def constants_of(
    made: Unrolling, operands: Operands, name: str, rows: slice
) -> tuple[Constant, Constant]:
    """Some rows' weights of the input, and of the state, as constants of the unrolled graph."""
    weights, _ = weights_and_bias(operands)
    known = weights.quantization
    if known is not None:
        scales = np.broadcast_to(np.array(known.scales), (weights.shape[0],))[rows]
        known = QuantizationParameters(tuple(map(float, scales)), (0,) * len(scales), 0)
    dtype = np.float32 if known is None else np.int8
    inputs, states = (
        made.constant(
            f"{name}_{side}_weights", np.ascontiguousarray(values[rows]).astype(dtype), known
        )
        for side, values in zip(("input", "state"), split_weights(operands), strict=True)
    )
    return inputs, states


def bias_of(
    made: Unrolling,
    operands: Operands,
    name: str,
    values: slice | int,
    weights: Constant,
    scale: float,
) -> Constant:
    """Some of the biases, or so many zeros, as a constant of the unrolled graph.

    Args:
        made: the unrolled graph.
        operands: of the recurrent operator.
        name: of the constant.
        values: which biases.
        weights: whose sums they are added to.
        scale: of what these weights read.
    """
    bias = weights_and_bias(operands)[1].values
    integer = weights.quantization is not None
    dtype = np.int32 if integer else np.float32
    taken = np.zeros(values, dtype) if isinstance(values, int) else bias[values].astype(dtype)
    if weights.quantization is None:
        return made.constant(name, taken)
    scales = np.float32(scale) * np.array(weights.quantization.scales, np.float32)
    known = QuantizationParameters(tuple(map(float, scales)), (0,) * len(scales), 0)
    return made.constant(name, taken, known)
