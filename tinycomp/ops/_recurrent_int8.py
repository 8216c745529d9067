"""Tables and constants of recurrent layers on int8."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.fixed_point import exact_multiplier
from tinycomp.ir.kernel_call import Channels, Member
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Tensor
from tinycomp.ops._recurrent_steps import Curve, DenseRows, ordered_weights
from tinycomp.ops._registry import operators
from tinycomp.ops._unary import UnaryOperator


def activation_of(given: Operator | None, kind: str) -> UnaryOperator:
    """The activation that a layer was given, or the default of its kind: "logistic", "tanh"."""
    op = given or operators()[kind]()
    assert isinstance(op, UnaryOperator)
    return op


def lookup(
    op: UnaryOperator, source: QuantizationParameters, target: QuantizationParameters
) -> NDArray[np.int8]:
    """The 256 outputs of an activation; entry q + 128 is for q."""
    tensors = (Tensor("sum", (1,), "int8", source), Tensor("value", (1,), "int8", target))
    return op.table(Operands(tensors[:1], tensors[1:]))


def curve(
    op: UnaryOperator, source: QuantizationParameters, target: QuantizationParameters
) -> Curve:
    """An activation of stored values."""
    table = lookup(op, source, target)

    def found(values: Array) -> Array:
        looked_up: Array = table[values.astype(int) + 128]
        return looked_up

    return found


def row_fields(
    rows: DenseRows, codebook: NDArray[np.int8] | None, order: NDArray[np.int64]
) -> dict[str, Member]:
    """Members of a kernel's struct: weights and constants, with the rows in this order."""
    found: dict[str, Member] = {"weights": ordered_weights(rows, codebook, order)}
    for name, factors, starts in (
        ("input", rows.input_factors, rows.input_starts),
        ("state", rows.state_factors, rows.state_starts),
    ):
        exact = exact_multiplier(factors[order], -128, 127)
        start = starts[order].astype(np.int32)
        found[f"{name}_rows"] = Channels(start, exact.shift, exact.multiplier)
        extended = exact.extension.any()
        found[f"{name}_extension"] = exact.extension if extended else 0
    return found
