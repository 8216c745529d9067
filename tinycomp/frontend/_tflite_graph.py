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
from tinycomp.frontend._tflite_choices import Activated
from tinycomp.frontend._tflite_core import Core
from tinycomp.frontend._tflite_decode import DAMAGE
from tinycomp.frontend._tflite_dilation import Dilated
from tinycomp.frontend._tflite_file import FileOperator
from tinycomp.frontend._tflite_folding import (
    expanded,
    fold,
    is_integer,
    shape_values,
    squeezed,
    target_shape,
)
from tinycomp.frontend._tflite_kinds import unsupported
from tinycomp.frontend._tflite_layers import (
    convolutions,
    dilated,
    flattened,
    has_groups,
    masked_mean,
    moved,
    recurrent,
    rolled,
    spread,
)
from tinycomp.frontend._tflite_masked import MaskedMean
from tinycomp.frontend._tflite_numbers import RowLookup
from tinycomp.frontend._tflite_recurrent import LSTM
from tinycomp.frontend._tflite_tables import Lookup
from tinycomp.frontend._tflite_unrolled import Unrolled
from tinycomp.frontend._tflite_values import (
    activation,
    allowed,
    first_shape,
    ir_shape,
    require_scale,
)
from tinycomp.frontend._tflite_weights import weighted_operands
from tinycomp.ir.graph import Graph
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Constant, Operands, Shape, Tensor, Value
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._move import Move
from tinycomp.ops._reduction import AxesOperator
from tinycomp.ops._registry import by_tflite_name, operators
from tinycomp.ops._unary import UnaryOperator

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

    core: Core
    """The graph so far."""
    blockers: Blockers
    """Receives what can't be built, with the layer."""
    lost: set[int] = field(default_factory=set)
    """Indices of tensors computed by refused operators."""
    strange: list[FileOperator] = field(default_factory=list)
    """Unsupported operators, reported together."""

    def graph(self) -> Graph:
        """The graph; what is missing in it is among the blockers."""
        file = self.core.file
        for index in file.inputs:
            with self.blockers.collected():
                self._input(index)
        for operator in file.operators:
            self._visit(operator)
        for reason in unsupported(file, self.strange):
            self.blockers.add(reason)
        for index in file.outputs:
            if index not in self.core.shapes and index not in self.lost:
                name = file.tensors[index].name
                self.blockers.add(
                    ModelError(
                        f"No operator of {file.name + '.tflite'!r} computes its output {name!r}."
                    )
                )
        used = {name for node in self.core.nodes for name in node.inputs}
        constants = {key: value for key, value in self.core.constants.items() if key in used}
        inputs, outputs = (
            tuple(file.tensors[index].name for index in end) for end in (file.inputs, file.outputs)
        )
        return Graph(
            file.name, tuple(self.core.nodes), self.core.tensors, constants, inputs, outputs
        )

    def _input(self, index: int) -> None:
        table = self.core.file.tensors[index]
        self.lost.add(index)
        if table.values is not None:
            raise ModelError(f"The input {table.name!r} is a constant.")
        shape = first_shape(table)
        self.core.tensors[table.name] = activation(table, ir_shape(shape), self.core.dtype)
        self.core.shapes[index] = shape
        self.lost.remove(index)

    def _visit(self, operator: FileOperator) -> None:
        """Read an operator; where it can't be, its outputs are lost, and so is what reads them."""
        label = self.core.file.label(operator)
        label = label[0].upper() + label[1:]
        outputs = operator.outputs
        self.lost |= {*outputs} - self.core.shapes.keys()
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
            table = self.core.file.tensors[index]
            if index in self.core.shapes or index in self.core.known or table.values is not None:
                raise ModelError(
                    f"It writes {table.name!r}, which is an input, a constant or written before.",
                    hint="Copy or export the file again.",
                )
        for index in (index for index in operator.inputs if index >= 0):
            table = self.core.file.tensors[index]
            found = index in self.core.shapes or index in self.core.known or index in self.lost
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
        dtype = self.core.file.tensors[output].dtype
        shape = (
            self.core.full_shape(present[0]) if operator.builtin == "SHAPE" and present else None
        )
        if shape is not None:
            values: Array | None = shape_values(shape)
        else:
            inputs = [self.core.known_values(index) for index in present]
            if not inputs or any(each is None or not is_integer(each) for each in inputs):
                return False
            arrays = [each for each in inputs if each is not None]
            values = fold(operator.builtin, arrays, operator.options, dtype)
        if values is None or dtype not in ("bool", "int32", "int64"):
            return False
        self.core.known[output] = values.astype(dtype)
        self.lost.discard(output)
        return True

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
            rolled(self.core, operator)
            return
        if isinstance(operator, MaskedMean):
            masked_mean(self.core, operator)
            return
        kind = _kind(operator)
        if operator.builtin == LSTM:
            recurrent(self.core, operator)
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
            moved(self.core, kind, operator, inputs)
            return
        rows = any(
            self.core.shapes[i][:1] != (1,) for i in operator.inputs if i in self.core.shapes
        )
        if rows and operator.builtin not in _ANY_BATCH:
            raise ModelError(
                f"It reads {computed[0].name!r}, whose first axis (the batch) is not 1.",
                expected="Expected a batch of 1.",
                hint="Convert the model with a fixed input shape and a batch size of 1.",
            )
        if isinstance(operator, Dilated):
            dilated(self.core, kind, operator, inputs)
            return
        if operator.builtin == "TRANSPOSE_CONV" or has_groups(self.core, operator, inputs):
            convolutions(self.core, kind, operator, inputs)
            return
        if operator.builtin == "FULLY_CONNECTED":
            inputs = flattened(self.core, operator, inputs)
        if issubclass(kind, BinaryOperator) and len(inputs) == 2:
            inputs = spread(self.core, kind, operator, inputs)
        index = operator.outputs[0]
        table = self.core.file.tensors[index]
        full = self._reshaped(operator) if operator.builtin in _RESHAPES else table.shape
        output = activation(table, ir_shape(full), self.core.dtype)
        op = _made(kind, operator, Operands(inputs, (output,)))
        kept = inputs if kind.weight_axis is not None else tuple(_kept(inputs))
        shape = op.infer_shape([value.shape for value in kept])
        if operator.builtin not in _RESHAPES:
            full = self._full(operator, shape)
        self.core.check_shape(index, full)
        self.core.append(op, kept, replace(output, shape=shape))
        self.core.shapes[index] = full

    def _inputs(self, kind: type[Operator], operator: FileOperator) -> tuple[Value, ...]:
        least = 2 if kind.weight_axis is not None else len(operator.inputs)
        if any(index < 0 for index in operator.inputs[:least]):
            raise ModelError("It lacks an input.", hint="Copy or export the file again.")
        read = operator.inputs[:-1] if operator.builtin == "TRANSPOSE_CONV" else operator.inputs
        values = [self.core.value(index) for index in read if index >= 0]
        if isinstance(operator, RowLookup):
            return tuple(values)
        if kind.weight_axis is None:
            return self._of_one_rank(values)
        source, weights, bias = weighted_operands(kind, values, self.core.free)
        self.core.constants.setdefault(bias.name, bias)
        return source, weights, bias

    def _of_one_rank(self, values: Sequence[Value]) -> tuple[Value, ...]:
        """The values; constant operands without the batch, where tensors have none."""
        rank = max((len(each.shape) for each in values if isinstance(each, Tensor)), default=1)
        found: list[Value] = []
        for value in values:
            if isinstance(value, Constant) and value.values.dtype.name in allowed(self.core.dtype):
                shape = value.shape
                while len(shape) > max(rank, 1) and shape[0] == 1:
                    shape = shape[1:]
                value = replace(value, values=value.values.reshape(shape))
                self.core.constants[value.name] = value
            found.append(value)
        return tuple(found)

    def _reshaped(self, operator: FileOperator) -> Shape:
        """The full shape that a reshaping operator gives."""
        source = self.core.shapes[operator.inputs[0]]
        extra = self.core.known_values(operator.inputs[1]) if len(operator.inputs) > 1 else None
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
        sources = [
            self.core.shapes[index] for index in operator.inputs if index in self.core.shapes
        ]
        source = max(sources, key=len)
        if operator.builtin == "FULLY_CONNECTED" and not _keeps_axes(operator.options):
            return (1, *shape) if len(shape) == 1 else shape
        return shape if source[:1] != (1,) else (1, *shape)


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
