"""Recurrent layers on int16: the same operators at every step as on int8, with 16-bit states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.int16._doubles import mantissas
from tinycomp.int16._form import UNIT, Form
from tinycomp.int16._weighted import words
from tinycomp.int16.curves import LogisticInt16, Scaling, TanhInt16, sigmoid_table
from tinycomp.ir.kernel_call import Channels, KernelCall, Member
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Tensor
from tinycomp.ops._recurrent import sizes, start_fields
from tinycomp.ops._recurrent_steps import Curve, DenseRows, ordered_weights
from tinycomp.ops._weighted import weights_and_bias
from tinycomp.ops.gru import row_order
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.tanh import Tanh

_CURVES: dict[str, LogisticInt16 | TanhInt16] = {
    "sigmoid": LogisticInt16(Logistic()),
    "tanh": TanhInt16(Tanh()),
}


@dataclass(frozen=True)
class GruInt16(Form):
    """A gated recurrent unit."""

    operators: ClassVar[tuple[str, ...]] = ("gru",)
    fixed: ClassVar[QuantizationParameters | None] = UNIT

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Row by row, for all samples at once."""
        gates, candidate = self.op.sums(operands)
        curves = _curve("sigmoid", gates), _curve("tanh", candidate)
        found: Array = self.op.states(operands, inputs, *curves)
        return found

    def kernel(self, operands: Operands) -> KernelCall:
        """State, gates and candidates are in scratch, then a block of weights."""
        _, features, units = sizes(operands)
        order = row_order(units)
        gates, candidate = self.op.sums(operands)
        scalings = _scaling("sigmoid", gates), _scaling("tanh", candidate)
        return KernelCall(
            "gru_int16",
            {
                "inputs": features,
                "units": units,
                "reset_after": int(self.op.reset_after),
                **start_fields(operands),
                **_row_fields(operands, self.op, order),
                "sigmoid_multiplier": scalings[0].multiplier,
                "tanh_multiplier": scalings[1].multiplier,
                "sigmoid_shift": scalings[0].shift,
                "tanh_shift": scalings[1].shift,
                "table": sigmoid_table(),
            },
            scratch=-(-2 * (2 * units + len(order)) // 4) * 4,
            keeps_scratch=True,
        )


@dataclass(frozen=True)
class SimpleRnnInt16(Form):
    """A fully connected recurrent layer."""

    operators: ClassVar[tuple[str, ...]] = ("simple_rnn",)
    fixed: ClassVar[QuantizationParameters | None] = UNIT

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Row by row, for all samples at once."""
        tanh = _curve("tanh", self.op.sums(operands))
        found: Array = self.op.states(operands, inputs, tanh)
        return found

    def kernel(self, operands: Operands) -> KernelCall:
        """State and next state are in scratch, then a block of weights."""
        _, features, units = sizes(operands)
        scaling = _scaling("tanh", self.op.sums(operands))
        return KernelCall(
            "simple_rnn_int16",
            {
                "inputs": features,
                "units": units,
                **start_fields(operands),
                **_row_fields(operands, self.op, np.arange(units)),
                "tanh_multiplier": scaling.multiplier,
                "tanh_shift": scaling.shift,
                "table": sigmoid_table(),
            },
            scratch=4 * units,
            keeps_scratch=True,
        )


def _operands(sums: QuantizationParameters) -> Operands:
    """Of a curve of sums with this quantization."""
    tensors = (Tensor("sum", (1,), "int16", sums), Tensor("value", (1,), "int16", UNIT))
    return Operands(tensors[:1], tensors[1:])


def _curve(kind: str, sums: QuantizationParameters) -> Curve:
    def found(values: Array) -> Array:
        return _CURVES[kind].reference(_operands(sums), (values,))

    return found


def _scaling(kind: str, sums: QuantizationParameters) -> Scaling:
    return _CURVES[kind].scaling(_operands(sums))


def _row_fields(operands: Operands, op: Any, order: NDArray[np.int64]) -> dict[str, Member]:
    """Members of a kernel's struct: weights and constants, with the rows in this order."""
    rows: DenseRows = op.rows(operands)
    codebook = weights_and_bias(operands)[0].codebook
    found: dict[str, Member] = {"weights": ordered_weights(rows, codebook, order)}
    for name, factors, starts in (
        ("input", rows.input_factors, rows.input_starts),
        ("state", rows.state_factors, rows.state_starts),
    ):
        known = mantissas(operands.output.name, factors[order])
        lower, upper = words(starts[order])
        found[f"{name}_rows"] = Channels(lower, known.shift, known.upper)
        found[f"{name}_lower"] = known.lower
        found[f"{name}_upper"] = upper
    return found
