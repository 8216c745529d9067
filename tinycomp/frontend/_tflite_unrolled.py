"""Recognizes a layer over time that was exported step by step, and reads it as one operator.

The names in the file say which layer it may be. It is one if the layer, exported again, gives the
same operators, with the same constants and scales, in every step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_expansions import operators_of
from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.frontend._tflite_tables import Lookup as TableLookup
from tinycomp.frontend._tflite_values import quantization
from tinycomp.ir.operator import Operator, hidden_tensor
from tinycomp.ir.tensor import Array, Constant, Operands, QuantizationParameters, Tensor
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops._recurrent_steps import TYPES
from tinycomp.ops._registry import by_tflite_name, operators
from tinycomp.ops.elu import Elu
from tinycomp.ops.function import DEFINITIONS, Function
from tinycomp.ops.gru import Gru
from tinycomp.ops.lookup import Lookup
from tinycomp.ops.lstm_steps import LstmSteps, Scales
from tinycomp.ops.relu import Relu
from tinycomp.ops.simple_rnn import SimpleRnn

ACTIVATIONS = ("LOGISTIC", "RELU", "RELU6", "RELU_0_TO_1", "TANH")
"""Activations that are operators of a file; all others are look-ups in tables."""


def activation_of_builtin(name: str) -> Operator:
    """One of ACTIVATIONS."""
    kind = by_tflite_name()[name]
    return Relu.of_builtin(name) if kind is Relu else kind()


@dataclass(frozen=True, eq=False)
class Layer:
    """What was found: an operator of the IR, and its constants."""

    op: Recurrent
    """The operator."""
    weights: Constant
    """Its weights."""
    bias: Constant
    """Its biases."""


class Unrolled(FileOperator):
    """A layer over time; its options are a Layer."""


def roll(file: TfliteFile) -> TfliteFile:
    """The file with one operator for each layer that was exported step by step."""
    tensors = {tensor.name: index for index, tensor in enumerate(file.tensors)}
    writers = {index: each for each in file.operators for index in each.outputs}
    for operator in file.operators:
        if operator.builtin != "CONCATENATION" or len(operator.outputs) != 1:
            continue
        found = _layer(file, operator.outputs[0], tensors, writers)
        if found is not None:
            layer, source, steps = found
            whole = Unrolled(operator.index, "CONCATENATION", "", source, operator.outputs, layer)
            kept = [each for each in file.operators if each.index not in steps or each is operator]
            operators = tuple(whole if each is operator else each for each in kept)
            file = replace(file, operators=operators)
    return file


def _layer(
    file: TfliteFile,
    output: int,
    tensors: Mapping[str, int],
    writers: Mapping[int, FileOperator],
) -> tuple[Layer, tuple[int, ...], set[int]] | None:
    """The layer that a tensor is the output of, its inputs, and the numbers of its operators."""
    name = file.tensors[output].name
    first = writers.get(tensors.get(hidden_tensor(name, "row", 0), -1))
    if first is None or not first.inputs:
        return None
    read = (
        first.inputs[0],
        *mask_of(f"{name}/counts", tensors, writers),
        *_start_of(name, tensors, writers),
    )
    values = _Values(file, name, tensors, writers)
    for kind in (_gru, _simple_rnn, _lstm):
        try:
            layer = kind(values)
            operands = _operands(file, read, output, layer)
            expansion = layer.op.expansion(operands)
        except (KeyError, ModelError, ValueError):
            continue
        assert expansion is not None
        same = operators_of(file, expansion, tensors, writers)
        if same is not None:
            return layer, read, same
    return None


def mask_of(
    counts: str, tensors: Mapping[str, int], writers: Mapping[int, FileOperator]
) -> tuple[int, ...]:
    """The mask that a bool tensor is made of; none if the file has no such tensor."""
    compared = writers.get(tensors.get(counts, -1))
    cast = writers.get(compared.inputs[0]) if compared else None
    return cast.inputs[:1] if cast else ()


def _start_of(
    name: str, tensors: Mapping[str, int], writers: Mapping[int, FileOperator]
) -> tuple[int, ...]:
    """The layer's row before the first; none if it starts from zeros."""
    flat = writers.get(tensors.get(hidden_tensor(name, "first", 0), -1))
    return flat.inputs[:1] if flat else ()


@dataclass(frozen=True, eq=False)
class _Values:
    """The constants and scales of one layer, by the names that the export gives them."""

    file: TfliteFile
    """The file."""
    output: str
    """The name of the layer's output."""
    tensors: Mapping[str, int]
    """Indices of tensors by name."""
    writers: Mapping[int, FileOperator]
    """The operator that writes a tensor, by the tensor's index."""

    def activation(self, name: str, default: str) -> Operator | None:
        """What computes a hidden value; None for the default."""
        index = self.tensors[f"{self.output}/{name}/0"]
        operator = self.writers[index]
        if isinstance(operator, TableLookup):
            return self._function(operator.options, operator.inputs[0], index)
        if operator.builtin not in ACTIVATIONS:
            raise KeyError(operator.builtin)
        found = activation_of_builtin(operator.builtin)
        return None if found == operators()[default]() else found

    def _function(self, entries: bytes, source: int, target: int) -> Operator:
        """The function with this table, which an LSTM has at two scales; else the table itself."""
        tensors = [
            Tensor(each.name, each.shape, each.dtype, quantization(each))
            for each in (self.file.tensors[source], self.file.tensors[target])
        ]
        operands = Operands((tensors[0],), (tensors[1],))
        known = (Elu(), *(Function(kind) for kind in DEFINITIONS))
        return next(
            (each for each in known if each.table(operands).tobytes() == entries), Lookup(entries)
        )

    def table(self, name: str) -> FileTensor:
        return self.file.tensors[self.tensors[f"{self.output}/{name}"]]

    def constant(self, name: str) -> Array:
        found = self.table(name).values
        if found is None:
            raise KeyError(name)
        return found

    def scale(self, name: str) -> float:
        """Of a hidden value."""
        (scale,) = self.table(f"{name}/0").scales
        return scale

    def state_scale(self, activation: Operator | None) -> float | None:
        """Of states; None for those of tanh."""
        scale, table = self.scale("state"), self.table("state/0")
        return None if not activation and scale == TYPES[table.dtype].state.scale else scale

    def whole(self, *names: str) -> Constant:
        """Weights, the rows of several parts."""
        sides = [
            np.concatenate([self.constant(f"{name}_{side}_weights") for name in names])
            for side in ("input", "state")
        ]
        scales = [each for name in names for each in self._row_scales(f"{name}_input_weights")]
        known = QuantizationParameters(tuple(scales), (0,) * len(scales), 0)
        return Constant(f"{self.output}/weights", np.concatenate(sides, axis=1), known)

    def bias(self, *names: str) -> Constant:
        """Biases of several parts, with their scales."""
        values = np.concatenate([self.constant(name) for name in names])
        scales = [each for name in names for each in self._row_scales(name)]
        known = QuantizationParameters(tuple(scales), (0,) * len(scales), 0)
        return Constant(f"{self.output}/bias", values, known)

    def _row_scales(self, name: str) -> tuple[float, ...]:
        table = self.table(name)
        rows = table.shape[0]
        return table.scales if len(table.scales) == rows else table.scales * rows


def _gru(values: _Values) -> Layer:
    after = f"{values.output}/reset_back/0" in values.tensors
    activation = values.activation("candidate_value", "tanh")
    op = Gru(
        after,
        (values.scale("gates"), values.scale("candidate")),
        activation,
        values.activation("gate_values", "logistic"),
        values.state_scale(activation),
    )
    names = ["gate_bias", "bias", *["state_bias"] * after]
    return Layer(op, values.whole("gate", "candidate"), values.bias(*names))


def _simple_rnn(values: _Values) -> Layer:
    activation = values.activation("state", "tanh")
    op = SimpleRnn(values.scale("sums"), activation, values.state_scale(activation))
    return Layer(op, values.whole("sum"), values.bias("bias"))


def _lstm(values: _Values) -> Layer:
    names = ("gates", "candidate", "candidate_value", "cell", "narrow_cell", "state")
    op = LstmSteps(
        values.activation("candidate_value", "tanh"),
        values.activation("gate_values", "logistic"),
        Scales(*(values.scale(name) for name in names)),
        f"{values.output}/rows/0" in values.tensors,
    )
    weights, bias = values.whole("gate", "candidate"), values.bias("gate_bias", "candidate_bias")
    units = len(bias.values) // 4
    order = np.r_[: 2 * units, 3 * units : 4 * units, 2 * units : 3 * units]
    return Layer(op, _ordered(weights, order), _ordered(bias, order))


def _ordered(constant: Constant, order: Array) -> Constant:
    """The rows, and their scales, in another order."""
    assert constant.quantization is not None
    scales = tuple(constant.quantization.scales[row] for row in order)
    known = QuantizationParameters(scales, (0,) * len(scales), 0)
    return replace(constant, values=constant.values[order], quantization=known)


def _operands(file: TfliteFile, read: Sequence[int], output: int, layer: Layer) -> Operands:
    tables = [file.tensors[index] for index in (*read, output)]
    if any(len(each.shape) not in (2, 3) or each.dtype not in TYPES for each in tables):
        raise ValueError("not rows of integers")
    source, *others, after = (
        Tensor(each.name, each.shape[1:], each.dtype, quantization(each)) for each in tables
    )
    return Operands((source, layer.weights, layer.bias, *others), (after,))
