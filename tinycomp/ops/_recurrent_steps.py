"""Recurrent layers that are several operators of LiteRT at every step, on int8 or int16.

Each row of the weights gives two values, like a dense layer each: its share of the input, and what
the state adds. Both have the scale of their sum and the zero point 0, so that an addition is exact
but for saturation. States have the scale of tanh, or with another activation one that covers them;
their zero point is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import requantize, scale_and_round
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array, Constant, Operands, QuantizationParameters
from tinycomp.ops._quantized import parameters
from tinycomp.ops._recurrent import BLOCK, products, split_weights
from tinycomp.ops._unrolling import Unrolling
from tinycomp.ops._weighted import weights_and_bias

Curve = Callable[[Array], Array]
"""Sigmoid or tanh of stored values."""

_LEAST_MAGNITUDE = 2.0**-8
"""Of sums that are zero on all calibration data."""
_HALF = 1 << 30
"""The multiplier of a power of two."""


@dataclass(frozen=True)
class StateType:
    """A type of states, and the parameters that everything between has with it."""

    dtype: str
    """Of all values."""
    bias: str
    """The type of biases."""
    state: QuantizationParameters
    """Of states and of what tanh returns."""
    share: QuantizationParameters
    """Of what sigmoid returns."""
    reach: int
    """What sums have to stay below."""

    @property
    def highest(self) -> int:
        """The largest value; as what sigmoid returns it stands for 1."""
        return int(np.iinfo(self.dtype).max)

    def saturate(self, values: Array) -> Array:
        """Integers saturated to the type."""
        return np.clip(values, -self.highest - 1, self.highest).astype(self.dtype)

    def added(self, first: Array, second: Array) -> Array:
        """The sum of values of one scale, as ADD computes it."""
        return self.saturate(first.astype(np.int64) + second)

    def times_share(self, shares: Array, values: Array) -> Array:
        """Products with what sigmoid returns, in the scale of the values, as MUL computes them."""
        product = (shares.astype(np.int64) - self.share.zero_point) * values.astype(np.int64)
        shift = 1 + round(np.log2(self.share.scale))
        return self.saturate(requantize(product, _HALF, shift))

    def rest(self, shares: Array) -> Array:
        """1 minus what sigmoid returns, as SUB computes it."""
        return self.saturate(self.highest - shares.astype(np.int64) + self.share.zero_point)

    def sum_scale(self, magnitudes: Mapping[str, float], *names: str) -> float:
        """The scale of sums and of their parts, from the largest magnitudes of all."""
        most = max(_LEAST_MAGNITUDE, *(magnitudes[name] for name in names))
        return float(np.float32(most / self.highest))


TYPES = {
    each.dtype: each
    for each in (
        StateType(
            "int8", "int32", QuantizationParameters((1 / 128,), (0,)),
            QuantizationParameters((1 / 256,), (-128,)), 1 << 31,
        ),
        StateType(
            "int16", "int64", QuantizationParameters((1 / 32768,), (0,)),
            QuantizationParameters((1 / 32768,), (0,)), 1 << 47,
        ),
    )
}  # fmt: skip
"""By name."""
STATE = TYPES["int8"].state
"""Of states on int8."""
SHARE = TYPES["int8"].share
"""Of what sigmoid returns on int8."""


def symmetric(scale: float) -> QuantizationParameters:
    """One scale, and the zero point 0."""
    return QuantizationParameters((float(np.float32(scale)),), (0,))


@dataclass(frozen=True, eq=False)
class DenseRows:
    """The dense layers of one step, a row of the weights each."""

    kind: StateType
    """Of the values that they give."""
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
    def of(
        cls,
        operands: Operands,
        scales: NDArray[np.float64],
        state: QuantizationParameters | None = None,
    ) -> DenseRows:
        """Biases beyond one a row are of the last rows' sums over the state.

        Args:
            operands: of the recurrent operator.
            scales: of each row's sum.
            state: the parameters of states; None for those of tanh.

        Raises:
            ModelError: the output does not have the parameters of a state, or a sum is too large.
        """
        kind = TYPES[operands.activations[0].dtype]
        state = state or kind.state
        plain = operands.output.dtype == kind.dtype
        if plain and parameters(operands.output) != state:
            raise ModelError(
                f"{operands.output.name!r}, states of a recurrent layer, has "
                f"{parameters(operands.output)}.",
                expected=f"Expected the scale {state.scale} and the zero point 0.",
            )
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
            kind,
            inputs,
            states,
            starts,
            behind,
            np.broadcast_to(source.scale * known / scales, (rows,)),
            np.broadcast_to(state.scale * known / scales, (rows,)),
        )
        made.require_reach(operands.output.name)
        return made

    def require_reach(self, name: str) -> None:
        """Check that sums stay within what LiteRT's arithmetic is defined for."""
        sides = (
            (self.inputs, self.input_starts, self.input_factors),
            (self.states, self.state_starts, self.state_factors),
        )
        for matrix, starts, factors in sides:
            reach = np.abs(starts) + (self.kind.highest + 1) * np.abs(matrix.astype(np.int64)).sum(
                axis=1
            )
            wide = self.kind.reach > 1 << 31 and (reach * factors).max(initial=0) >= 1 << 31
            if reach.max(initial=0) >= self.kind.reach or wide:
                raise ModelError(
                    f"The sums of {name!r} can reach {reach.max():.3g}: more than "
                    f"{int(np.log2(self.kind.reach)) + 1} bits, or 2^31 steps of the output.",
                    hint="Give the layer fewer inputs or smaller biases, or calibrate it with "
                    "other data.",
                )

    def of_input(self, x: Array) -> Array:
        """The input's share, (..., rows)."""
        sums = products(x, self.inputs) + self.input_starts
        return self.kind.saturate(scale_and_round(sums, self.input_factors))

    def of_state(self, state: Array, rows: slice) -> Array:
        """What the state adds, (..., rows), for some rows."""
        sums = products(state, self.states[rows]) + self.state_starts[rows]
        return self.kind.saturate(scale_and_round(sums, self.state_factors[rows]))


def constants_of(
    made: Unrolling, operands: Operands, name: str, rows: slice | NDArray[np.int64]
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
    values: slice | NDArray[np.int64] | int,
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
    dtype = TYPES[operands.activations[0].dtype].bias if integer else "float32"
    taken = np.zeros(values, dtype) if isinstance(values, int) else bias[values].astype(dtype)
    if weights.quantization is None:
        return made.constant(name, taken)
    scales = np.float32(scale) * np.array(weights.quantization.scales, np.float32)
    known = QuantizationParameters(tuple(map(float, scales)), (0,) * len(scales), 0)
    return made.constant(name, taken, known)


def ordered_weights(
    rows: DenseRows, codebook: NDArray[np.int8] | None, order: NDArray[np.int64]
) -> Weights:
    """The weights, with the rows in this order."""
    whole = np.concatenate([rows.inputs, rows.states], axis=1)
    if codebook is not None and len(codebook) > 1:
        codebook = codebook[order]
    return Weights(whole[order], BLOCK, codebook)
