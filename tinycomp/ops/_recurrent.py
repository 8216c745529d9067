"""Layers over time: each row of the input, and the state after the row before, give the next state.

The output is the state after every row. Weights are (gates * units, features + units): a row of the
matrix has the weights of the input, then those of the state, for one unit of one gate; all units of
the first gate come first. Two more inputs are possible: with a mask (steps, 1), a row whose mask is
zero leaves the state as it is; a first row, of one axis, is what the output was before the first
step. Without it the layer starts from a state of zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Shape, Tensor
from tinycomp.ops._keras import merge, refusal, weight
from tinycomp.ops._quantized import parameters
from tinycomp.ops._registry import operators
from tinycomp.ops._rows import same_rows
from tinycomp.ops._weighted import layer_cost, weights_and_bias

BLOCK = 4
"""Rows of the weights that kernels decode and compute together (TC_DOT_CHANNELS in dot.h)."""

ACTIVATIONS = ("activation", "recurrent_activation")
"""Options of Keras's layers that hold operators here; None: the default, tanh or sigmoid."""

CELL_ROWS = "cell_rows"
"""An option of LSTMs that Keras does not have: rows of the output are state and cell state."""
_CONSTANTS_END = 3
"""The place after the constants among the inputs."""

Hold = Callable[[int, Array, Array], Array]
"""From a step, the next state and the one before to the state that stays."""
StepFunction = Callable[[Any, Sequence[Any]], Sequence[Any]]
"""From the input's share of a row's sums, and the states, to the next states; the first of them is
the output."""


@dataclass(frozen=True)
class Recurrent(Operator):
    """A recurrent layer. It reads (steps, features), perhaps with a mask, and returns (steps,
    units).

    A subclass implements `reference`, `kernel` and `differentiable`, and what it is in a .tflite.
    """

    weight_axis: ClassVar[int | None] = 0
    phrase: ClassVar[str]
    """Name in error messages, "An LSTM"."""
    gates: ClassVar[int]
    """Units' rows of weights: one a gate."""

    def biases(self, units: int) -> int:
        """The number of biases: one a row of the weights."""
        return self.gates * units

    def width(self, units: int) -> int:
        """Values of an output row."""
        return units

    def carried_place(self, operands: Operands) -> int | None:
        """The place of the first row."""
        last = len(operands.inputs) - 1
        return last if last >= _CONSTANTS_END and len(operands.inputs[last].shape) == 1 else None

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(steps, values of a row) from (steps, features).

        Raises:
            ModelError: the input has other axes, or the constants, the mask or the first row do not
                fit it.
        """
        source, weights, bias, *others = inputs
        first = [shape for shape in others if len(shape) == 1]
        mask = [shape for shape in others if len(shape) != 1]
        if len(source) != 2:
            raise ModelError(
                f"{self.phrase} got an input of shape {source}.",
                expected="Expected (steps, features).",
                hint="Reshape the input first.",
            )
        units = weights[0] // self.gates
        wanted = (self.gates * units, source[1] + units)
        if weights != wanted or units < 1 or bias != (self.biases(units),):
            raise ModelError(
                f"{self.phrase} of {source[1]} features has weights of shape {weights} and a bias "
                f"of shape {bias}.",
                expected=f"Expected {wanted} for {units} units, and ({self.biases(units)},).",
            )
        if mask not in ([], [(source[0], 1)]):
            raise ModelError(
                f"{self.phrase} of {source[0]} steps has masks of shapes {mask}.",
                expected=f"Expected none, or one of shape {(source[0], 1)}.",
            )
        width = self.width(units)
        if first not in ([], [(width,)]):
            raise ModelError(
                f"{self.phrase} of {units} units starts from states of shapes {first}.",
                expected=f"Expected none, or one of shape {(width,)}.",
            )
        return source[0], width

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows: what came before is in the state."""
        return same_rows(self, operands, index, first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """Free."""
        return OutputRange()

    def cost(self, operands: Operands) -> Cost:
        """All weights once for every row."""
        weights, _ = weights_and_bias(operands)
        return layer_cost(operands, operands.output.shape[0] * weights.shape[0], weights.shape[1])

    @classmethod
    def of_keras(cls, layer: KerasLayer, features: int) -> tuple[Recurrent, Array]:
        """The operator, and its biases."""
        bias = layer.weights.get("bias")
        units = layer.weights["recurrent_kernel"].shape[0]
        return cls(), np.zeros(cls.gates * units, np.float32) if bias is None else bias

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Kernels (features, gates * units) and (units, gates * units). Rows run backwards with
        go_backwards, and only the last state is returned without return_sequences. Further inputs
        are a mask (steps, 1) and a first row.
        """
        return cls.shown(layer, cls.rows_of(layer, inputs, builder), inputs, builder)

    @classmethod
    def rows_of(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Add the operator; its output, the rows in the order of the steps."""
        _require_options(layer, inputs, builder)
        source, mask, first = _read(inputs, builder)
        if layer.config.get("go_backwards"):
            source = turned(source, f"{layer.name}/backwards", builder)
            mask = [turned(each, f"{layer.name}/mask", builder) for each in mask]
        kernel, recurrent = (layer.weights[name].T for name in ("kernel", "recurrent_kernel"))
        op, bias = cls.of_keras(layer, kernel.shape[1])
        constants = [
            weight(builder, layer, "weights", np.concatenate([kernel, recurrent], axis=1)),
            weight(builder, layer, "biases", bias),
        ]
        units = layer.weights["recurrent_kernel"].shape[0]
        zeros = bool(mask and layer.config.get("zero_output_for_mask"))
        whole = layer.config.get("return_sequences") and not zeros and op.width(units) == units
        name = layer.name if whole else f"{layer.name}/states"
        return builder.add(op, [source, *constants, *mask, *first], name)

    @classmethod
    def shown(
        cls, layer: KerasLayer, rows: str, inputs: Sequence[str], builder: GraphBuilder
    ) -> str:
        """What the layer returns of the operator's rows: states, in their order, or the last."""
        sequences = bool(layer.config.get("return_sequences"))
        _, mask, _ = _read(inputs, builder)
        zeros = bool(mask and layer.config.get("zero_output_for_mask"))
        steps, width = builder.tensors[rows].shape
        units = layer.weights["recurrent_kernel"].shape[0]
        states = rows
        if width != units and (sequences or zeros):
            name = layer.name if sequences and not zeros else f"{layer.name}/shown"
            part = operators()["strided_slice"](((0, steps, 1), (0, units, 1)))  # type: ignore[call-arg]
            states = builder.add(part, [rows], name)
        if zeros:
            if layer.config.get("go_backwards"):
                mask = [turned(each, f"{layer.name}/mask", builder) for each in mask]
            counted = layer if sequences else replace(layer, name=f"{layer.name}/counted")
            states = merge(operators()["mul"](), counted, [states, *mask], builder)
        return states if sequences else last_row(states, layer.name, builder, units)


def _read(inputs: Sequence[str], builder: GraphBuilder) -> tuple[str, Sequence[str], Sequence[str]]:
    """The rows, a mask or none, a first row or none."""
    source, *others = inputs
    axes = {name: len(builder.tensors[name].shape) for name in others}
    mask, first = ([name for name in others if axes[name] == count] for count in (2, 1))
    return source, mask, first


def last_row(
    rows: str, name: str, builder: GraphBuilder, count: int | None = None, start: int = 0
) -> str:
    """Add a tensor with the last row of another, or `count` of its values; its name."""
    steps, features = builder.tensors[rows].shape
    last = operators()["strided_slice"](  # type: ignore[call-arg]
        ((steps - 1, 1, 1), (start, count or features, 1)), (0,)
    )
    return builder.add(last, [rows], name)


def turned(rows: str, name: str, builder: GraphBuilder) -> str:
    """Add a tensor with the rows of another in reverse order; its name."""
    steps, features = builder.tensors[rows].shape
    back = operators()["strided_slice"](((steps - 1, steps, -1), (0, features, 1)))  # type: ignore[call-arg]
    return builder.add(back, [rows], name)


def _require_options(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> None:
    """Refuse what the layer can do and this operator can't, by name."""
    config = layer.config
    shape = builder.tensors[inputs[0]].shape
    if len(shape) != 2:
        raise refusal(
            layer, f"reads a tensor of shape {shape}", expected="Expected (steps, features)."
        )
    if config.get("return_state"):
        raise refusal(
            layer,
            "returns its state (return_state=True) inside a wrapper",
            expected="Expected return_state=False.",
            hint="Take the last row of what return_sequences=True returns.",
        )


def sizes(operands: Operands) -> tuple[int, int, int]:
    """Steps, features and units."""
    steps, features = operands.activations[0].shape
    return steps, features, weights_and_bias(operands)[0].shape[1] - features


def mask_of(operands: Operands) -> Tensor | None:
    """The mask of the rows; None if all count."""
    _, *others = operands.activations
    return next((each for each in others if len(each.shape) == 2), None)


def first_of(operands: Operands) -> Tensor | None:
    """The output's row before the first; None for zeros."""
    _, *others = operands.activations
    return next((each for each in others if len(each.shape) == 1), None)


def first_row(operands: Operands, inputs: Sequence[Array]) -> Array:
    """The output's row before the first, (samples, values of a row), stored.

    Args:
        operands: of an integer graph.
        inputs: the activations, with a batch axis.
    """
    if first_of(operands) is not None:
        return inputs[-1]
    return np.zeros((len(inputs[0]), operands.output.shape[1]), operands.output.dtype)


def mask_fields(operands: Operands) -> dict[str, int]:
    """Members of a kernel's struct: whether there is a mask, and what is zero in it."""
    mask = mask_of(operands)
    zero = parameters(mask).zero_point if mask else 0
    return {"masked": int(mask is not None), "mask_zero": zero}


def start_fields(operands: Operands) -> dict[str, int]:
    """Those of mask_fields, and the place of the first row among the inputs; 0: it is zeros."""
    place = len(operands.activations) - 1 if first_of(operands) else 0
    return {**mask_fields(operands), "start": place}


def holder(operands: Operands, inputs: Sequence[Array]) -> Hold:
    """What holds states, (samples, units), where the mask is zero: from the step, the next state
    and the one before.

    Args:
        operands: of an integer graph.
        inputs: the activations, with a batch axis.
    """
    mask = mask_of(operands)
    if mask is None:
        return lambda step, new, old: new
    counts = inputs[1] != parameters(mask).zero_point

    def held(step: int, new: Array, old: Array) -> Array:
        found: Array = np.where(counts[:, step], new, old)
        return found

    return held


def split_weights(operands: Operands) -> tuple[Array, Array]:
    """The weights of the input and those of the state, (rows, features) and (rows, units)."""
    values = weights_and_bias(operands)[0].values
    features = operands.activations[0].shape[1]
    return values[:, :features], values[:, features:]


def float_products(operands: Operands, inputs: Sequence[Any]) -> tuple[Any, Any]:
    """In keras.ops: what each row adds to all sums, (batch, steps, values), and the matrix that a
    state is multiplied with, (units, values).
    """
    from keras import ops

    source, weights, bias, *_ = inputs
    _, features, _ = sizes(operands)
    shares = ops.matmul(source, ops.transpose(weights[:, :features])) + bias[: weights.shape[0]]
    return shares, ops.transpose(weights[:, features:])


def over_time(
    step: StepFunction,
    shares: Any,
    states: int,
    units: int,
    inputs: Sequence[Any],
    width: int | None = None,
) -> Any:
    """The first states after every row, (batch, steps, width), in keras.ops.

    Args:
        step: computes the next states.
        shares: what each row adds to the sums, (batch, steps, values).
        states: how many states there are.
        units: values of a state.
        inputs: of the node, perhaps with a mask and a first row.
        width: values of an output row; None: of a state.
    """
    from keras import ops

    # Keras wants as many results of a step as it carries on.
    start = ops.concatenate([ops.zeros_like(shares[:, 0, :units])] * states, axis=-1)
    others = inputs[_CONSTANTS_END:]
    masks = [each for each in others if len(each.shape) == 3]
    for each in others:
        start = each if len(each.shape) == 2 else start
    values = shares.shape[-1]

    def carried(before: Any, row: Any) -> tuple[Any, Any]:
        after = step(row[:, :values], ops.split(before, states, axis=-1))
        joined = ops.concatenate(list(after), axis=-1)
        held = ops.where(row[:, values:] != 0, joined, before) if masks else joined
        return held, held

    rows = ops.concatenate([shares, *masks], axis=-1)
    _, rows = ops.scan(carried, start, ops.transpose(rows, (1, 0, 2)))
    return ops.transpose(rows[..., : width or units], (1, 0, 2))


def products(rows: Array, matrix: Array) -> Array:
    """Integer rows (..., length) times each row of the matrix, exactly, as int64."""
    found: Array = (rows.astype(np.float64) @ matrix.astype(np.float64).T).astype(np.int64)
    return found
