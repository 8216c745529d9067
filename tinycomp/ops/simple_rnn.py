"""Fully connected recurrent layers: several operators of TFLite at every step, on int8 or
int16.

The sums have one scale, chosen over all steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import KerasLayer, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters
from tinycomp.ops._differentiable import rounded
from tinycomp.ops._quantized import parameters
from tinycomp.ops._recurrent import (
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
class SimpleRnn(Recurrent):
    """state = tanh(weights of the input * row + bias + weights of the state * state), or with
    another activation than tanh.
    """

    name: ClassVar[str] = "simple_rnn"
    keras_names: ClassVar[tuple[str, ...]] = ("SimpleRNN",)
    hidden: ClassVar[tuple[str, ...]] = ("share", "back", "sums")
    repacked: ClassVar[bool] = True
    phrase: ClassVar[str] = "A simple recurrent layer"
    gates: ClassVar[int] = 1

    scale: float | None = None
    """Of an integer graph, or of one that was trained for int8: the scale of the sums; their zero
    point is 0.
    """
    activation: Operator | None = None
    """Of the sums; None: tanh."""
    state_scale: float | None = None
    """Like `scale`, of the states after another activation than tanh, or if larger ones are
    given.
    """

    @property
    def bytes_only(self) -> bool:
        """Of other activations LiteRT has no int16 form."""
        return self.activation is not None or self.state_scale is not None

    def output_range(self, operands: Operands) -> OutputRange:
        """Fixed: that of tanh; of other activations centred."""
        if self.activation is not None:
            return OutputRange(centred=True)
        return OutputRange(fixed=self.state)

    def carrying(self, magnitude: float) -> Operator:
        """States that start beyond those of tanh have a scale that covers them."""
        if self.activation or magnitude <= 1:
            return self
        return replace(self, state_scale=magnitude / 127)

    def quantized(
        self, magnitudes: Mapping[str, float], dtype: str = "int8", output: float = 1.0
    ) -> Operator:
        """One scale for a sum and its parts."""
        if self.scale is not None and dtype == "int8":
            return self
        scale = TYPES[dtype].sum_scale(magnitudes, *self.hidden)
        state = output if self.activation else self.state_scale
        return replace(self, scale=scale, state_scale=state)

    def unquantized(self) -> Operator:
        """Without scales."""
        return replace(self, scale=None, state_scale=None)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Row by row, for all samples at once."""
        tanh = curve(self.curve, self.sums(operands), self.state)
        return self.states(operands, inputs, tanh)

    def states(self, operands: Operands, inputs: Sequence[Array], tanh: Curve) -> Array:
        """The states after every row, of all samples at once.

        Args:
            operands: of an integer graph.
            inputs: (samples, steps, features), and perhaps a mask.
            tanh: of the sums.
        """
        rows, held = self.rows(operands), holder(operands, inputs)
        shares = rows.of_input(inputs[0])
        state = first_row(operands, inputs)
        states = []
        for step in range(shares.shape[1]):
            sums = rows.kind.added(shares[:, step], rows.of_state(state, slice(None)))
            state = held(step, tanh(sums), state)
            states.append(state)
        return np.stack(states, axis=1)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined; with a scale every value is rounded."""
        from keras import ops

        sums, of_state = (self.sums(operands), self.state) if self.scale else (None, None)
        curved = self.curve
        products, recurrent = float_products(operands, inputs)
        _, _, units = sizes(operands)
        shares = rounded(products, sums)

        def step(share: Any, states: Sequence[Any]) -> list[Any]:
            back = rounded(ops.matmul(states[0], recurrent), sums)
            total = rounded(share + back, sums)
            return [rounded(curved.differentiable(operands, [total]), of_state)]

        return over_time(step, shares, 1, units, inputs)

    def kernel(self, operands: Operands) -> KernelCall:
        """State and next state are in scratch, then a block of weights."""
        _, features, units = sizes(operands)
        codebook = weights_and_bias(operands)[0].codebook
        return KernelCall(
            "simple_rnn",
            {
                "inputs": features,
                "units": units,
                **start_fields(operands),
                **row_fields(self.rows(operands), codebook, np.arange(units)),
                "tanh": lookup(self.curve, self.sums(operands), self.state),
            },
            scratch=-(-2 * units // 4) * 4,
            keeps_scratch=True,
        )

    def expansion(self, operands: Operands) -> Graph:
        """Step by step, of the output's type."""
        return _unrolled(self, operands)

    def sums(self, operands: Operands) -> QuantizationParameters:
        """The quantization of the sums.

        Raises:
            ModelError: it has none.
        """
        if self.scale is None:
            raise ModelError(
                f"{operands.output.name!r} (SimpleRNN) has no scale of its sums.",
                hint="Quantize the model first.",
            )
        return symmetric(self.scale)

    @classmethod
    def of_keras(cls, layer: KerasLayer, features: int) -> tuple[Recurrent, Array]:
        """With its activation."""
        _, bias = super().of_keras(layer, features)
        return cls(activation=layer.config.get("activation")), bias

    def rows(self, operands: Operands) -> DenseRows:
        """What its weights compute, of an integer graph."""
        scales = np.array([self.sums(operands).scale])
        return DenseRows.of(operands, scales, self.state if self.state_scale else None)

    @property
    def state(self) -> QuantizationParameters:
        """The quantization of states on int8."""
        return STATE if self.state_scale is None else symmetric(self.state_scale)

    @property
    def curve(self) -> UnaryOperator:
        """The activation."""
        return activation_of(self.activation, "tanh")


def _unrolled(op: SimpleRnn, operands: Operands) -> Graph:
    made, (steps, _, units) = Unrolling(operands), sizes(operands)
    kind = TYPES.get(made.dtype)
    sums = op.sums(operands) if kind else None
    state_scale, scales = None, (1.0, 1.0)
    if kind:
        state_scale = op.state if op.state_scale else kind.state
        scales = parameters(operands.activations[0]).scale, state_scale.scale
    inputs, states = constants_of(made, operands, "sum", slice(None))
    bias = bias_of(made, operands, "bias", slice(None), inputs, scales[0])
    no_bias = bias_of(made, operands, "no_bias", units, states, scales[1])
    zeros = np.zeros((1, units), operands.output.dtype)
    state: Any = made.start(made.constant("zeros", zeros, state_scale))
    curved = activation_of(op.activation, "tanh")
    for step in range(steps):
        row = made.row(step)
        share = made.add("fully_connected", [row, inputs, bias], "share", step, sums)
        back = made.add("fully_connected", [state, states, no_bias], "back", step, sums)
        total = made.add("add", [share, back], "sums", step, sums)
        after = made.apply(curved, [total], "state", step, state_scale)
        state = made.held(after, state, "held", step)
        made.states.append(state)
    return made.graph()
