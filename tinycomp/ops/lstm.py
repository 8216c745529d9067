"""UNIDIRECTIONAL_SEQUENCE_LSTM: int8 inputs, outputs and weights, an int16 cell state.

Gates: input, forget, cell, output, as in TFLite and Keras. A gate's sum is int16 with 3 integer
bits: first the input's share, then the state's is added, each requantized and saturated. The cell
state's scale is a power of two. Sigmoid and tanh are gemmlowp's for int16.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import (
    Multiplier,
    quantize_multiplier,
    requantize,
    rounding_shift_right,
)
from tinycomp.ir.fixed_point_16 import (
    GATE_BITS,
    INT16_MAX,
    INT16_MIN,
    saturate,
    sigmoid_table,
    tanh_table,
)
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.operator import KerasLayer, Operator, TfliteOperator
from tinycomp.ir.tensor import Array, Constant, Operands, QuantizationParameters, Tensor
from tinycomp.ops._differentiable import rounded
from tinycomp.ops._masking import masked_by_rows
from tinycomp.ops._quantized import parameters
from tinycomp.ops._recurrent import (
    ACTIVATIONS,
    BLOCK,
    CELL_ROWS,
    Recurrent,
    float_products,
    holder,
    mask_fields,
    mask_of,
    over_time,
    products,
    sizes,
    split_weights,
)
from tinycomp.ops._registry import operators
from tinycomp.ops._unrolling import Unrolling
from tinycomp.ops._weighted import weights_and_bias

GATES = ("input", "forget", "cell", "output")
LEAST_EXPONENT, MOST_EXPONENT = -15, -9
"""Of the cell state's scale in LiteRT."""
_GATE_SCALE = np.float32(2.0 ** (GATE_BITS - 15))
_FRACTION = 15
"""Fractional bits of what sigmoid and tanh return."""


@dataclass(frozen=True)
class Lstm(Recurrent):
    """A long short-term memory without peepholes, projection and layer normalization. The
    activations are sigmoid and tanh. The bias is one a row of the weights.
    """

    name: ClassVar[str] = "lstm"
    tflite_names: ClassVar[tuple[str, ...]] = ("UNIDIRECTIONAL_SEQUENCE_LSTM",)
    keras_names: ClassVar[tuple[str, ...]] = ("LSTM",)
    hidden: ClassVar[tuple[str, ...]] = ("cell",)
    repacked: ClassVar[bool] = True
    phrase: ClassVar[str] = "An LSTM"
    gates: ClassVar[int] = 4

    cell_clip: float = 0.0
    """The largest magnitude of the cell state; 0: unlimited."""
    cell_exponent: int | None = None
    """Of an int8 graph, or of one that was trained for int8: the cell state's scale is 2 to this
    power, LEAST_EXPONENT to MOST_EXPONENT.
    """
    state_scales: tuple[float, ...] | None = None
    """Of an int8 graph: the scale of each gate's weights of the state; None: that of its weights of
    the input.
    """

    def quantized(
        self, magnitudes: Mapping[str, float], dtype: str = "int8", output: float = 1.0
    ) -> Operator:
        """The smallest power of two with which the cell state fits int16."""
        if self.cell_exponent is not None:
            return self
        largest = max(magnitudes["cell"], 2.0**LEAST_EXPONENT)
        exponent = math.ceil(math.log2(largest / INT16_MAX))
        return replace(self, cell_exponent=min(max(exponent, LEAST_EXPONENT), MOST_EXPONENT))

    def unquantized(self) -> Operator:
        """Without the cell state's scale."""
        return replace(self, cell_exponent=None)

    def scale_groups(self, channels: int) -> int:
        """One for all units of a gate."""
        return self.gates

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Row by row, for all samples at once."""
        plan, x, held = _Plan.of(self, operands), inputs[0], holder(operands, inputs)
        units = operands.output.shape[1]
        state = np.full((len(x), units), plan.zero_point, np.int64)
        cell = np.zeros((len(x), units), np.int64)
        shares = products(x, plan.input_weights) + plan.input_bias
        rows = []
        for step in range(x.shape[1]):
            sums = plan.gate_sums(shares[:, step], state)
            entering, forget, new, leaving = np.split(sums - INT16_MIN, self.gates, axis=1)
            kept = rounding_shift_right(_sigmoid(forget) * cell, _FRACTION)
            added = rounding_shift_right(
                _sigmoid(entering) * _tanh(GATE_BITS, new), 2 * _FRACTION + plan.exponent
            )
            next_cell = saturate(kept + added)
            if plan.clip:
                next_cell = np.clip(next_cell, -plan.clip, plan.clip)
            cell = held(step, next_cell, cell)
            shown = _tanh(_FRACTION + plan.exponent, cell - INT16_MIN)
            scaled = requantize(_sigmoid(leaving) * shown, *plan.output)
            state = held(step, np.clip(scaled + plan.zero_point, -128, 127), state)
            rows.append(state.astype(np.int8))
        return np.stack(rows, axis=1)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined. Rounds the state, if the output is rounded; int16 needs no training."""
        from keras import ops

        known = operands.output.quantization
        shares, recurrent = float_products(operands, inputs)
        _, _, units = sizes(operands)

        def step(share: Any, states: Sequence[Any]) -> list[Any]:
            entering, forget, new, leaving = ops.split(
                share + ops.matmul(states[0], recurrent), self.gates, axis=-1
            )
            cell = ops.sigmoid(forget) * states[1] + ops.sigmoid(entering) * ops.tanh(new)
            if self.cell_clip:
                cell = ops.clip(cell, -self.cell_clip, self.cell_clip)
            return [rounded(ops.sigmoid(leaving) * ops.tanh(cell), known), cell]

        return over_time(step, shares, 2, units, inputs)

    def kernel(self, operands: Operands) -> KernelCall:
        """Cell state, sums of the gates and state are in scratch, then a block of weights."""
        plan, (_, features, units) = _Plan.of(self, operands), sizes(operands)
        weights, _ = weights_and_bias(operands)
        factors = [pair[gate] for gate in range(self.gates) for pair in plan.factors]
        state_bias = plan.state_bias
        return KernelCall(
            "lstm",
            {
                "inputs": features,
                "units": units,
                "zero_point": plan.zero_point,
                "cell_bits": _FRACTION + plan.exponent,
                "output_shift": plan.output.shift,
                "output_multiplier": plan.output.multiplier,
                "clip": plan.clip,
                **mask_fields(operands),
                "weights": Weights(weights.values, BLOCK, weights.codebook),
                "biases": plan.input_bias.astype(np.int32),
                "state_biases": state_bias.astype(np.int32) if state_bias.any() else 0,
                "multipliers": np.array([each.multiplier for each in factors], np.int32),
                "shifts": np.array([each.shift for each in factors], np.int8),
            },
            scratch=-(-11 * units // 4) * 4,
            keeps_scratch=True,
        )

    @classmethod
    def of_keras(cls, layer: KerasLayer, features: int) -> tuple[Recurrent, Array]:
        """With other activations, or if its cell state is read or given, operators at every step
        instead.
        """
        _, bias = super().of_keras(layer, features)
        given = {each: layer.config.get(each) for each in ACTIVATIONS}
        cells = bool(layer.config.get(CELL_ROWS))
        if not any(given.values()) and not cells:
            return cls(), bias
        steps: Any = operators()["lstm_steps"]
        return steps(**given, cell_rows=cells), bias

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """The cell clip; everything else is read with the operands
        (frontend/_tflite_recurrent.py).
        """
        return cls(cell_clip=float(options.cellClip))

    def expansion(self, operands: Operands) -> Graph | None:
        """A float LSTM step by step, so that calibration sees the cell state; an int8 one is one
        operator, with a mask over the rows that count.
        """
        if operands.output.dtype != "int8":
            return _unrolled(self, operands)
        return masked_by_rows(self, operands) if mask_of(operands) else None

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """Each gate's weights and biases apart, and both states."""
        source, output = operands.activations[0], operands.output
        units, exponent = output.shape[1], _require_exponent(self, operands)
        _, bias = weights_and_bias(operands)
        scales = _scales(self, operands)
        constants: list[Constant] = []
        for number, values in enumerate(split_weights(operands)):
            for gate, matrix in enumerate(np.split(values, self.gates)):
                known = QuantizationParameters((float(scales[number][gate]),), (0,))
                title = f"{output.name}/{('input', 'state')[number]}_to_{GATES[gate]}"
                constants.append(Constant(title, matrix, known))
        biases = []
        for gate, part in enumerate(np.split(bias.values, self.gates)):
            scale = float(np.float32(parameters(source).scale) * np.float32(scales[0][gate]))
            known = QuantizationParameters((scale,), (0,))
            biases.append(Constant(f"{output.name}/{GATES[gate]}_bias", part, known))
        cell = QuantizationParameters((2.0**exponent,), (0,))
        states = (
            Tensor(f"{output.name}/state", (units,), "int8", output.quantization),
            Tensor(f"{output.name}/cell_state", (units,), "int16", cell),
        )
        inside = [Tensor(f"{output.name}/sum_{gate}", (0,), "int16", None) for gate in GATES]
        hidden = Tensor(f"{output.name}/hidden", (0,), "int8", output.quantization)
        options = schema.UnidirectionalSequenceLSTMOptionsT()
        options.fusedActivationFunction = schema.ActivationFunctionType.TANH
        options.cellClip = self.cell_clip
        absent = (None,)
        return TfliteOperator(
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            "UnidirectionalSequenceLSTMOptions",
            options,
            operands=(0, *constants, *absent * 3, *biases, *absent * 2, *states, *absent * 4),
            intermediates=(*inside, hidden),
        )


@dataclass(frozen=True, eq=False)
class _Plan:
    """The numbers of an int8 LSTM."""

    input_weights: NDArray[np.int8]
    """(rows, features)."""
    state_weights: NDArray[np.int8]
    """(rows, units)."""
    input_bias: NDArray[np.int64]
    """The bias, with the input's zero point folded in."""
    state_bias: NDArray[np.int64]
    """What the zero point of the state makes of its weights."""
    factors: tuple[tuple[Multiplier, ...], tuple[Multiplier, ...]]
    """From sums to gates: of the input and of the state, one a gate."""
    exponent: int
    """The cell state's scale is 2 to this power."""
    clip: int
    """The largest magnitude of the cell state; 0: unlimited."""
    output: Multiplier
    """From the product of output gate and cell to the output."""
    zero_point: int
    """Of the output, which is the state."""

    @classmethod
    def of(cls, op: Lstm, operands: Operands) -> _Plan:
        """Scales are products and quotients of float32, as in LiteRT.

        Raises:
            ModelError: a sum could exceed int32.
        """
        inputs, states = split_weights(operands)
        source, target = parameters(operands.activations[0]), parameters(operands.output)
        bias = weights_and_bias(operands)[1].values.astype(np.int64)
        input_bias = bias - source.zero_point * inputs.sum(axis=1, dtype=np.int64)
        state_bias = -target.zero_point * states.sum(axis=1, dtype=np.int64)
        scales = _scales(op, operands)
        factors = []
        for matrix, start, scale, of_gates in (
            (inputs, input_bias, source.scale, scales[0]),
            (states, state_bias, target.scale, scales[1]),
        ):
            real = [float(np.float32(each) * np.float32(scale) / _GATE_SCALE) for each in of_gates]
            _require_reach(operands, matrix, start, max(real))
            factors.append(tuple(quantize_multiplier(each) for each in real))
        exponent = _require_exponent(op, operands)
        hidden = np.float32(2.0**-15 / np.float32(target.scale) * 2.0**-15)
        clip = float(np.float32(op.cell_clip) / np.float32(2.0**exponent))
        return cls(
            inputs,
            states,
            input_bias,
            state_bias,
            (factors[0], factors[1]),
            exponent,
            int(min(clip, INT16_MAX)),
            quantize_multiplier(float(hidden)),
            target.zero_point,
        )

    def gate_sums(self, share: Array, state: Array) -> Array:
        """int16 sums of all gates, (samples, rows), from the input's sums and the int8 state."""
        units = state.shape[1]
        both = (share, products(state, self.state_weights) + self.state_bias)
        first, second = (
            requantize(
                sums,
                np.repeat([each.multiplier for each in factors], units),
                np.repeat([each.shift for each in factors], units),
            )
            for sums, factors in zip(both, self.factors, strict=True)
        )
        return saturate(saturate(first) + second)


def _sigmoid(places: Array) -> NDArray[np.int64]:
    return sigmoid_table()[places].astype(np.int64)


def _tanh(integer_bits: int, places: Array) -> NDArray[np.int64]:
    return tanh_table(integer_bits)[places].astype(np.int64)


def _scales(op: Lstm, operands: Operands) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The scale of each gate's weights: of the input, and of the state.

    Raises:
        ModelError: units of a gate have scales of their own.
    """
    weights, _ = weights_and_bias(operands)
    known = np.array(parameters(weights).scales, np.float32)
    of_gates = np.broadcast_to(known, (weights.shape[0],)).reshape(op.gates, -1)
    if np.any(of_gates != of_gates[:, :1]):
        raise ModelError(
            f"{operands.output.name!r} (LSTM) has weights with a scale for every unit.",
            expected="Expected one scale for each gate: LiteRT's kernel has no other.",
            hint="Quantize the float model again.",
        )
    inputs = np.ascontiguousarray(of_gates[:, 0])
    return inputs, inputs if op.state_scales is None else np.array(op.state_scales, np.float32)


def _require_exponent(op: Lstm, operands: Operands) -> int:
    if op.cell_exponent is None:
        raise ModelError(
            f"{operands.output.name!r} (LSTM) has no scale of its cell state.",
            hint="Quantize the model first.",
        )
    return op.cell_exponent


def _require_reach(operands: Operands, matrix: Array, start: Array, factor: float) -> None:
    """Check that requantization keeps every sum within 32 bits."""
    reach = np.abs(start) + 128 * np.abs(matrix.astype(np.int64)).sum(axis=1)
    most = float(reach.max(initial=0)) * max(1.0, 2 * factor)
    if most >= 1 << 31:
        raise ModelError(
            f"The sums of {operands.output.name!r} can reach {most:.3g}: more than 32 bits.",
            hint="Give the layer fewer inputs or smaller biases, or calibrate it with other data.",
        )


def _unrolled(op: Lstm, operands: Operands) -> Graph:
    """The float LSTM, with the cell state of every step as a tensor."""
    made, (steps, _, units) = Unrolling(operands), sizes(operands)
    bias = weights_and_bias(operands)[1]
    inputs, states = (
        made.constant(name, np.ascontiguousarray(values, np.float32))
        for name, values in zip(("kernel", "recurrent"), split_weights(operands), strict=True)
    )
    biases = [
        made.constant(name, np.asarray(values, np.float32))
        for name, values in (("bias", bias.values), ("no_bias", np.zeros(bias.shape)))
    ]
    state: Any = made.constant("zeros", np.zeros((1, units), np.float32))
    cell: Any = state
    for step in range(steps):
        share = made.add("fully_connected", [made.row(step), inputs, biases[0]], "share", step)
        back = made.add("fully_connected", [state, states, biases[1]], "back", step)
        sums = made.add("add", [share, back], "sums", step)
        parts = [
            made.columns(sums, gate * units, units, f"{GATES[gate]}_sum", step)
            for gate in range(op.gates)
        ]
        entering, forget, leaving = (
            made.add("logistic", [parts[gate]], f"{GATES[gate]}_gate", step) for gate in (0, 1, 3)
        )
        new = made.add("tanh", [parts[2]], "cell_gate", step)
        before, kept = cell, made.add("mul", [forget, cell], "kept", step)
        added = made.add("mul", [entering, new], "added", step)
        cell = made.add("add", [kept, added], "unclipped" if op.cell_clip else "cell", step)
        if op.cell_clip:
            cell = _clipped(made, cell, op.cell_clip, step)
        shown = made.add("tanh", [cell], "shown", step)
        after = made.add("mul", [leaving, shown], "state", step)
        state = made.held(after, state, "held", step)
        cell = made.held(cell, before, "held_cell", step)
        made.states.append(state)
    return made.graph()


def _clipped(made: Unrolling, cell: Tensor, limit: float, step: int) -> Tensor:
    low, high = (
        made.constant(name, np.full(cell.shape, bound, np.float32))
        for name, bound in (("least_cell", -limit), ("most_cell", limit))
    )
    least = made.add("extremum", [cell, low], "clipped", step, largest=True)
    return made.add("extremum", [least, high], "cell", step, largest=False)
