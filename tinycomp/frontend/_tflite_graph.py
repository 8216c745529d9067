"""Builds the Graph of a file's layers, one by one, and collects what stands in its way.

Shapes are inferred as LiteRT infers them when it allocates tensors; those of the file must agree
where it leaves no size open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.frontend._convolutions import grouped, transposed
from tinycomp.frontend._tflite_choices import Activated
from tinycomp.frontend._tflite_convolutions import Maker, groups_of, read_transposed
from tinycomp.frontend._tflite_decode import DAMAGE
from tinycomp.frontend._tflite_dilation import Dilated
from tinycomp.frontend._tflite_file import FileOperator, TfliteFile, layer_name
from tinycomp.frontend._tflite_folding import (
    expanded,
    fold,
    is_integer,
    shape_values,
    squeezed,
    target_shape,
)
from tinycomp.frontend._tflite_kinds import unsupported
from tinycomp.frontend._tflite_masked import MaskedLstm, MaskedMean
from tinycomp.frontend._tflite_movers import move_steps, pack_steps, reduce_steps, spread_steps
from tinycomp.frontend._tflite_numbers import RowLookup
from tinycomp.frontend._tflite_recurrent import LSTM, read_lstm
from tinycomp.frontend._tflite_tables import Lookup
from tinycomp.frontend._tflite_unrolled import Unrolled
from tinycomp.frontend._tflite_values import (
    activation,
    allowed,
    constant,
    first_shape,
    ir_shape,
    require_scale,
)
from tinycomp.frontend._tflite_weights import flat_shape, weighted_operands
from tinycomp.int16._registry import arithmetic
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.names import free_name
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Constant, Operands, Shape, Tensor, Value
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._move import Move
from tinycomp.ops._reduction import AxesOperator
from tinycomp.ops._registry import by_tflite_name, operators
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops.counted_mean import CountedMean

_ANY_BATCH = {
    "ADD", "EXP", "EXPAND_DIMS", "FULLY_CONNECTED", "GATHER", "GELU", "HARD_SWISH", "LEAKY_RELU",
    "LOGISTIC", "MUL", "QUANTIZE", "RELU", "RELU6", "RELU_0_TO_1", "RESHAPE", "SOFTMAX", "SQUEEZE",
    "SUB", "TANH",
}  # fmt: skip
"""Operators that count no axis from the batch on: they may read rows that lie where it stands."""
_RESHAPES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")


@dataclass
class CoreReader:
    """Converts one file to a Graph."""

    file: TfliteFile
    """The file without conversions at its ends."""
    blockers: Blockers
    """Receives what can't be built, with the layer."""
    dtype: str = "int8"
    """The kind of its layers: "int8" (integers) or "float32"."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    """Computed tensors of the graph so far."""
    constants: dict[str, Constant] = field(default_factory=dict)
    """Constants of the graph so far."""
    nodes: list[Node] = field(default_factory=list)
    """Nodes of the graph so far."""
    shapes: dict[int, Shape] = field(default_factory=dict)
    """Full shapes of computed tensors, by index."""
    known: dict[int, Array] = field(default_factory=dict)
    """Values of shape arithmetic, by index of the tensor."""
    lost: set[int] = field(default_factory=set)
    """Indices of tensors computed by refused operators."""
    strange: list[FileOperator] = field(default_factory=list)
    """Unsupported operators, reported together."""

    def graph(self) -> Graph:
        """The graph; what is missing in it is among the blockers."""
        file = self.file
        for index in file.inputs:
            with self.blockers.collected():
                self._input(index)
        for operator in file.operators:
            self._visit(operator)
        for reason in unsupported(file, self.strange):
            self.blockers.add(reason)
        for index in file.outputs:
            if index not in self.shapes and index not in self.lost:
                name = file.tensors[index].name
                self.blockers.add(
                    ModelError(
                        f"No operator of {file.name + '.tflite'!r} computes its output {name!r}."
                    )
                )
        used = {name for node in self.nodes for name in node.inputs}
        constants = {key: value for key, value in self.constants.items() if key in used}
        inputs, outputs = (
            tuple(file.tensors[index].name for index in end) for end in (file.inputs, file.outputs)
        )
        return Graph(file.name, tuple(self.nodes), self.tensors, constants, inputs, outputs)

    def _input(self, index: int) -> None:
        table = self.file.tensors[index]
        self.lost.add(index)
        if table.values is not None:
            raise ModelError(f"The input {table.name!r} is a constant.")
        shape = first_shape(table)
        self.tensors[table.name] = activation(table, ir_shape(shape), self.dtype)
        self.shapes[index] = shape
        self.lost.remove(index)

    def _visit(self, operator: FileOperator) -> None:
        """Read an operator; where it can't be, its outputs are lost, and so is what reads them."""
        label = self.file.label(operator)
        label = label[0].upper() + label[1:]
        outputs = operator.outputs
        self.lost |= {*outputs} - self.shapes.keys()
        with self.blockers.collected(label):
            self._check_outputs(operator)
            present = [index for index in operator.inputs if index >= 0]
            if any(index in self.lost for index in present):
                if by_tflite_name().get(operator.builtin) is None:
                    self.strange.append(operator)
                return
            try:
                if self._folded(operator, present) or self._strange(operator):
                    return
                self._node(operator)
            except DAMAGE as error:
                raise ModelError(
                    f"It can't be read: {error or type(error).__name__}.",
                    hint="Copy or export the file again.",
                ) from error
            self.lost -= {*outputs}

    def _check_outputs(self, operator: FileOperator) -> None:
        """Check that a tensor has only one writer."""
        for index in operator.outputs:
            table = self.file.tensors[index]
            if index in self.shapes or index in self.known or table.values is not None:
                raise ModelError(
                    f"It writes {table.name!r}, which is an input, a constant or written before.",
                    hint="Copy or export the file again.",
                )
        for index in (index for index in operator.inputs if index >= 0):
            table = self.file.tensors[index]
            found = index in self.shapes or index in self.known or index in self.lost
            found = found or table.variable or bool(operator.custom)  # refused by other reasons
            if (not found and table.values is None) or index in operator.outputs:
                raise ModelError(
                    f"It reads {table.name!r}, which no operator before it computes.",
                    hint="Copy or export the file again.",
                )

    def _folded(self, operator: FileOperator, present: Sequence[int]) -> bool:
        """Evaluate an operator whose inputs are known."""
        if len(operator.outputs) != 1 or len(present) != len(operator.inputs):
            return False
        output = operator.outputs[0]
        dtype = self.file.tensors[output].dtype
        shape = self._shape(present[0]) if operator.builtin == "SHAPE" and present else None
        if shape is not None:
            values: Array | None = shape_values(shape)
        else:
            inputs = [self._values(index) for index in present]
            if not inputs or any(each is None or not is_integer(each) for each in inputs):
                return False
            arrays = [each for each in inputs if each is not None]
            values = fold(operator.builtin, arrays, operator.options, dtype)
        if values is None or dtype not in ("bool", "int32", "int64"):
            return False
        self.known[output] = values.astype(dtype)
        self.lost.discard(output)
        return True

    def _shape(self, index: int) -> Shape | None:
        """The full shape of a tensor or a constant, if known."""
        values = self.file.tensors[index].values
        return self.shapes.get(index) if values is None else values.shape

    def _values(self, index: int) -> Array | None:
        """What is known at build time of a tensor."""
        return self.known.get(index, self.file.tensors[index].values)

    def _strange(self, operator: FileOperator) -> bool:
        if by_tflite_name().get(operator.builtin) is None:
            self.strange.append(operator)
            return True
        if len(operator.outputs) != 1:
            raise ModelError(f"It has {len(operator.outputs)} outputs.", expected="Expected 1.")
        return False

    def _node(self, operator: FileOperator) -> None:
        """Append the operator's node, with a reshape around it where TFLite implies one."""
        if isinstance(operator, Unrolled):
            self._rolled(operator)
            return
        if isinstance(operator, MaskedMean):
            self._mean(operator)
            return
        kind = _kind(operator)
        if operator.builtin == LSTM:
            self._recurrent(operator)
            return
        if issubclass(kind, UnaryOperator) and len(operator.inputs) != 1:
            raise ModelError(f"It has {len(operator.inputs)} inputs.", expected="Expected one.")
        if operator.builtin == "TRANSPOSE_CONV" and len(operator.inputs) > 2:
            size, weights, source, *rest = operator.inputs
            operator = replace(operator, inputs=(source, weights, *rest, size))
        inputs = self._inputs(kind, operator)
        computed = [each for each in inputs if isinstance(each, Tensor)]
        if not computed:
            raise ModelError("It computes a constant.", hint="Export the model again.")
        if operator.builtin == "PACK" or issubclass(kind, Move | AxesOperator):
            self._moved(kind, operator, inputs)
            return
        rows = any(self.shapes[i][:1] != (1,) for i in operator.inputs if i in self.shapes)
        if rows and operator.builtin not in _ANY_BATCH:
            raise ModelError(
                f"It reads {computed[0].name!r}, whose first axis (the batch) is not 1.",
                expected="Expected a batch of 1.",
                hint="Convert the model with a fixed input shape and a batch size of 1.",
            )
        if isinstance(operator, Dilated):
            self._dilated(kind, operator, inputs)
            return
        if operator.builtin == "TRANSPOSE_CONV" or self._has_groups(operator, inputs):
            self._convolutions(kind, operator, inputs)
            return
        if operator.builtin == "FULLY_CONNECTED":
            inputs = self._flattened(operator, inputs)
        if issubclass(kind, BinaryOperator) and len(inputs) == 2:
            inputs = self._spread(kind, operator, inputs)
        index = operator.outputs[0]
        table = self.file.tensors[index]
        full = self._reshaped(operator) if operator.builtin in _RESHAPES else table.shape
        output = activation(table, ir_shape(full), self.dtype)
        op = _made(kind, operator, Operands(inputs, (output,)))
        kept = inputs if kind.weight_axis is not None else tuple(_kept(inputs))
        shape = op.infer_shape([value.shape for value in kept])
        if operator.builtin not in _RESHAPES:
            full = self._full(operator, shape)
        self._check_shape(index, full)
        self._append(op, kept, replace(output, shape=shape))
        self.shapes[index] = full

    def _spread(
        self, kind: type[BinaryOperator], operator: FileOperator, inputs: Sequence[Value]
    ) -> tuple[Value, ...]:
        """The inputs as kernels can read them; appends what repeats them."""
        output = self.file.tensors[operator.outputs[0]].name
        steps, read = spread_steps(kind.phrase, inputs, output, self._free)
        for step in steps:
            self._append(step.op, step.inputs, step.output)
        self.constants.update({each.name: each for each in read if isinstance(each, Constant)})
        return tuple(read)

    def _rolled(self, operator: Unrolled) -> None:
        """Append a layer that the file has step by step."""
        layer, (index,) = operator.options, operator.outputs
        source, *masks = (self._value(each) for each in operator.inputs)
        constants = [
            replace(each, name=self._free(each.name)) for each in (layer.weights, layer.bias)
        ]
        for each in constants:
            self._keep(each)
        read = (source, *constants, *masks)
        shape = layer.op.infer_shape([each.shape for each in read])
        output = activation(self.file.tensors[index], shape, self.dtype)
        self._check_shape(index, (1, *shape))
        self._append(layer.op, read, output)
        self.shapes[index] = (1, *shape)

    def _mean(self, operator: MaskedMean) -> None:
        """Append a mean of the rows that count."""
        read, (index,) = tuple(map(self._value, operator.inputs)), operator.outputs
        shape = CountedMean().infer_shape([each.shape for each in read])
        output = activation(self.file.tensors[index], shape, self.dtype)
        self._append(CountedMean(), read, output)
        self.shapes[index] = (1, *shape)

    def _recurrent(self, operator: FileOperator) -> None:
        """Append an LSTM; where time comes before the batch, with reshapes around it."""
        source, index = self._value(operator.inputs[0]), operator.outputs[0]
        table, full = self.file.tensors[index], self.shapes[operator.inputs[0]]
        output = activation(table, (), self.dtype)
        first = bool(operator.options is not None and operator.options.timeMajor)
        if not isinstance(source, Tensor) or len(full) != 3 or full[1 if first else 0] != 1:
            raise ModelError(
                f"It reads {source.name!r} of shape {full}.",
                expected="Expected (steps, 1, features)."
                if first
                else "Expected (1, steps, features).",
                hint="Convert the model with a fixed number of steps and a batch size of 1.",
            )
        rows = (full[0 if first else 1], full[2])
        if source.shape != rows:
            source = self._reshape(source, f"{table.name}/rows", rows)
        op, *constants = read_lstm(self.file, operator, Operands((source,), (output,)), self._free)
        for each in constants:
            self._keep(each)
        masks = [self._value(operator.mask)] if isinstance(operator, MaskedLstm) else []
        shape = op.infer_shape([each.shape for each in (source, *constants, *masks)])
        whole = (*full[:2], shape[1])
        self._check_shape(index, whole)
        wanted = ir_shape(whole)
        name = table.name if shape == wanted else self._free(f"{table.name}/states")
        self._append(op, (source, *constants, *masks), replace(output, name=name, shape=shape))
        if shape != wanted:
            self._append_squeeze(self.tensors[name], replace(output, shape=wanted))
        self.shapes[index] = whole

    def _has_groups(self, operator: FileOperator, inputs: Sequence[Value]) -> bool:
        """Whether a convolution reads its input's channels in groups."""
        if operator.builtin != "CONV_2D" or isinstance(operator, Dilated):
            return False
        weights = inputs[1]
        assert isinstance(weights, Constant)
        return groups_of(inputs[0].shape, weights) > 1

    def _convolutions(
        self, kind: type[Operator], operator: FileOperator, inputs: Sequence[Value]
    ) -> None:
        """Append the convolutions that compute one with groups, or a transposed one."""
        source, weights, bias = inputs
        assert isinstance(weights, Constant)
        assert isinstance(bias, Constant)
        index = operator.outputs[0]
        output = activation(self.file.tensors[index], (), self.dtype)
        known = Operands((source, weights, bias), (output,))
        make = Maker(self._append, self._keep, self._free, output, weights, bias)
        if operator.builtin == "TRANSPOSE_CONV":
            size = self._values(operator.inputs[-1])
            layer = read_transposed(operator.options, known, source.shape, size)
            made = transposed(make, source, weights.values, layer)
        else:
            plain: Any = kind.from_tflite(operator.builtin, operator.options, known)
            made = grouped(
                make, source, weights.values, plain.window, source.shape, plain.activation
            )
        full = (1, *made.shape)
        self._check_shape(index, full)
        self.shapes[index] = full

    def _keep(self, constant: Constant) -> None:
        self.constants[constant.name] = constant

    def _moved(self, kind: type[Operator], operator: FileOperator, inputs: Sequence[Value]) -> None:
        """Append the nodes of an operator that moves values, or reduces axes."""
        index = operator.outputs[0]
        output = activation(self.file.tensors[index], (), self.dtype)
        fulls = [self.shapes[each] for each in operator.inputs if each in self.shapes]
        if operator.builtin == "PACK":
            steps, full = pack_steps(inputs, fulls, operator.options.axis, output, self._free)
        elif issubclass(kind, AxesOperator):
            steps, full = reduce_steps(kind, operator, inputs, fulls[0], output, self._free)
        else:
            assert issubclass(kind, Move)
            steps, full = move_steps(kind, operator, inputs, fulls[0], output, self._free)
        self._check_shape(index, full)
        for step in steps:
            self._append(step.op, step.inputs, step.output)
        self.shapes[index] = full

    def _inputs(self, kind: type[Operator], operator: FileOperator) -> tuple[Value, ...]:
        least = 2 if kind.weight_axis is not None else len(operator.inputs)
        if any(index < 0 for index in operator.inputs[:least]):
            raise ModelError("It lacks an input.", hint="Copy or export the file again.")
        read = operator.inputs[:-1] if operator.builtin == "TRANSPOSE_CONV" else operator.inputs
        values = [self._value(index) for index in read if index >= 0]
        if isinstance(operator, RowLookup):
            return tuple(values)
        if kind.weight_axis is None:
            return self._of_one_rank(values)
        source, weights, bias = weighted_operands(kind, values, self._free)
        self.constants.setdefault(bias.name, bias)
        return source, weights, bias

    def _of_one_rank(self, values: Sequence[Value]) -> tuple[Value, ...]:
        """The values; constant operands without the batch, where tensors have none."""
        rank = max((len(each.shape) for each in values if isinstance(each, Tensor)), default=1)
        found: list[Value] = []
        for value in values:
            if isinstance(value, Constant) and value.values.dtype.name in allowed(self.dtype):
                shape = value.shape
                while len(shape) > max(rank, 1) and shape[0] == 1:
                    shape = shape[1:]
                value = replace(value, values=value.values.reshape(shape))
                self.constants[value.name] = value
            found.append(value)
        return tuple(found)

    def _value(self, index: int) -> Value:
        name = self.file.tensors[index].name
        if name in self.tensors:
            return self.tensors[name]
        if index in self.known:
            return Constant(name, self.known[index])
        if name not in self.constants:
            self.constants[name] = constant(self.file.tensors[index], self.dtype)
        return self.constants[name]

    def _reshaped(self, operator: FileOperator) -> Shape:
        """The full shape that a reshaping operator gives."""
        source = self.shapes[operator.inputs[0]]
        extra = self._values(operator.inputs[1]) if len(operator.inputs) > 1 else None
        options = operator.options
        if operator.builtin == "SQUEEZE":
            dims = None if options is None else options.squeezeDims
            return squeezed(source, [] if dims is None else [int(axis) for axis in dims])
        if extra is None and operator.builtin == "RESHAPE" and len(operator.inputs) == 1:
            extra = None if options is None else options.newShape
        if extra is None:
            raise ModelError(
                "It takes its shape from a tensor that is computed.",
                expected="Expected a shape that is known once the batch is 1.",
                hint="Convert the model with a fixed input shape.",
            )
        extra = np.asarray(extra)
        return (target_shape if operator.builtin == "RESHAPE" else expanded)(source, extra)

    def _full(self, operator: FileOperator, shape: Shape) -> Shape:
        """TFLite's shape of an output: whether it has a batch axis follows from the inputs."""
        sources = [self.shapes[index] for index in operator.inputs if index in self.shapes]
        source = max(sources, key=len)
        if operator.builtin == "FULLY_CONNECTED" and not _keeps_axes(operator.options):
            return (1, *shape) if len(shape) == 1 else shape
        return shape if source[:1] != (1,) else (1, *shape)

    def _check_shape(self, index: int, full: Shape) -> None:
        """The file's own shape agrees, where it leaves no size open."""
        table = self.file.tensors[index]
        same = len(full) == len(table.signature) and all(
            size in (-1, found) for size, found in zip(table.signature, full, strict=True)
        )
        if not same:
            raise ModelError(
                f"It has the output shape {table.signature} in the file.",
                expected=f"Expected {full}, which follows from its inputs.",
                hint="Export the model again with a fixed batch size of 1.",
            )

    def _append(self, op: Operator, inputs: Sequence[Value], output: Tensor) -> None:
        if self.dtype != "float32":
            arithmetic(op, Operands(tuple(inputs), (output,)))
        name = free_name(layer_name(output.name), {node.name for node in self.nodes})
        self.nodes.append(Node(name, op, tuple(value.name for value in inputs), (output.name,)))
        self.tensors[output.name] = output

    def _reshape(self, source: Tensor, name: str, shape: Shape) -> Tensor:
        """Append a reshape that the file does not have; its output."""
        flat = Tensor(self._free(name), shape, source.dtype, source.quantization)
        op = operators()["reshape"].from_tflite("RESHAPE", None, Operands((source,), (flat,)))
        self._append(op, (source,), flat)
        return flat

    def _flattened(self, operator: FileOperator, inputs: Sequence[Value]) -> tuple[Value, ...]:
        """A fully connected layer that implicitly flattens its input gets a reshape in front."""
        source, weights, bias = inputs
        assert isinstance(source, Tensor)
        assert isinstance(weights, Constant)
        shape = flat_shape(source, weights, operator.options)
        if shape != source.shape:
            output = self.file.tensors[operator.outputs[0]].name
            source = self._reshape(source, f"{output}/flatten", shape)
        return source, weights, bias

    def _dilated(self, kind: type[Operator], operator: Dilated, inputs: Sequence[Value]) -> None:
        """Append the convolution of a group, with reshapes where its input is 1-D."""
        index = operator.outputs[0]
        table = self.file.tensors[index]
        source, weights, bias = inputs
        assert isinstance(source, Tensor)
        assert isinstance(weights, Constant)
        if len(source.shape) != (3 if operator.length_axis is None else 2):
            raise ModelError(f"It reads a tensor of shape {source.shape} in blocks.")
        image = operator.image(source.shape)
        known = activation(table, (), self.dtype)
        flat = replace(source, shape=image)
        op: Any = kind.from_tflite(
            operator.builtin, operator.options, Operands((flat, weights, bias), (known,))
        )
        window = operator.window(op.window)
        channels = bias.shape[0]
        if window is None or not operator.fits(image, op.window, channels):
            raise ModelError(
                "It stands between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, but they make no "
                "dilated convolution of stride 1.",
                hint="Use Conv2D with dilation_rate, and convert the model again.",
            )
        op = replace(op, window=window)
        if image != source.shape:
            source = self._reshape(source, f"{table.name}/expand", image)
        shape = op.infer_shape([image, weights.shape, bias.shape])
        axis = operator.length_axis
        squeezed_shape = shape if axis is None else (shape[axis], shape[2])
        self._check_shape(index, (1, *squeezed_shape))
        name = table.name if image == inputs[0].shape else self._free(f"{table.name}/dilated")
        self._append(op, (source, weights, bias), replace(known, name=name, shape=shape))
        if name != table.name:
            self._append_squeeze(self.tensors[name], replace(known, shape=squeezed_shape))
        self.shapes[index] = (1, *squeezed_shape)

    def _append_squeeze(self, source: Tensor, output: Tensor) -> None:
        op = operators()["reshape"].from_tflite("RESHAPE", None, Operands((source,), (output,)))
        self._append(op, (source,), output)

    def _free(self, name: str) -> str:
        """A name that no tensor of the file or of the graph has."""
        names = {tensor.name for tensor in self.file.tensors}
        return free_name(name, {*names, *self.tensors, *self.constants})


def _kept(inputs: Sequence[Value]) -> list[Value]:
    """Computed inputs and constant operands; constants of other types are attributes: a shape,
    axes, padding.

    Raises:
        ModelError: an int8 or int16 constant has no single scale.
    """
    kept: list[Value] = []
    for value in inputs:
        if isinstance(value, Tensor) or value.values.dtype == np.float32:
            kept.append(value)
        elif value.values.dtype in (np.int8, np.int16):
            if value.quantization is None or len(value.quantization.scales) != 1:
                raise ModelError(
                    f"The constant {value.name!r} has no scale and zero point of its own."
                )
            require_scale(value.name, value.quantization.scale)
            kept.append(value)
    return kept


def _kind(operator: FileOperator) -> type[Operator]:
    """The operator of the IR."""
    if isinstance(operator, Activated):
        return type(operator.options)
    if isinstance(operator, RowLookup):
        return operators()["embedding"]
    if isinstance(operator, Lookup):
        return operators()["lookup"]
    return by_tflite_name()[operator.builtin]


def _made(kind: type[Operator], operator: FileOperator, operands: Operands) -> Operator:
    """The operator with what its options say; an activation is its own option."""
    if isinstance(operator, Activated):
        made: Operator = operator.options
        return made
    return kind.from_tflite(operator.builtin, operator.options, operands)


def _keeps_axes(options: Any) -> bool:
    return options is not None and bool(options.keepNumDims)
