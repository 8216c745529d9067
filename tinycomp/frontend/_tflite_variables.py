"""Takes the variables out of a file: what an inference reads of one becomes an input, and what it
leaves in it an output, so that what is left is a function of its inputs alone.

Variables are VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE; their first values are assigned by a
subgraph that CALL_ONCE runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.ir.names import free_name
from tinycomp.ir.tensor import Array

VARIABLES = ("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")
"""Operators that keep or start a variable."""
_AGAIN = "Convert the model again with full int8 quantization."
_WIDE = (
    "Convert the model again with 8-bit activations; with 16-bit ones in the form that takes a "
    "whole window."
)

Key = tuple[str, str]
"""A variable's container and name."""


@dataclass(frozen=True, eq=False)
class Pure:
    """A file without variables."""

    file: TfliteFile
    """The last inputs are what is read of each variable, the last outputs what is left in it."""
    initial: tuple[Array, ...] = ()
    """The first values of each variable, in the order of these inputs."""
    names: tuple[str, ...] = ()
    """The variables' names, likewise."""


def take_out_variables(file: TfliteFile) -> Pure:
    """The file as a function of its inputs; the file itself if it has no variables.

    Raises:
        ModelError: a variable is not int8, has no first value, or is used in a way that LiteRT's
            converter does not write.
    """
    if not any(operator.builtin in VARIABLES for operator in file.operators):
        return Pure(file)
    return _Taking(file).pure()


@dataclass
class _Taking:
    """Works through one file's operators in order."""

    file: TfliteFile
    """With variables."""
    handles: dict[int, Key] = field(default_factory=dict)
    """The variable of each tensor that VAR_HANDLE writes."""
    read: dict[Key, int] = field(default_factory=dict)
    """The tensor with each variable's value before the inference."""
    held: dict[Key, int] = field(default_factory=dict)
    """The tensor with its value after the operators so far."""
    same: dict[int, int] = field(default_factory=dict)
    """Tensors that a second reading writes, and those that they are copies of."""
    operators: list[FileOperator] = field(default_factory=list)
    """Those that are left."""

    def pure(self) -> Pure:
        for operator in self.file.operators:
            match operator.builtin:
                case "CALL_ONCE":
                    continue
                case "VAR_HANDLE":
                    self.handles[operator.outputs[0]] = _key(operator)
                case "READ_VARIABLE":
                    self._read(operator)
                case "ASSIGN_VARIABLE":
                    self._assign(operator)
                case _:
                    inputs = tuple(self.same.get(index, index) for index in operator.inputs)
                    self.operators.append(replace(operator, inputs=inputs))
        first = _first_values(self.file)
        for key, index in self.read.items():
            self._check(key, index, first.get(key))
        outputs = tuple(self.same.get(index, index) for index in self.file.outputs)
        left = replace(self.file, operators=tuple(self.operators), outputs=outputs)
        for key in self.read:
            left = _with_output(left, self.held[key], self.read[key])
        left = replace(left, inputs=(*left.inputs, *self.read.values()))
        initial = tuple(values for key in self.read if (values := first[key].values) is not None)
        return Pure(left, initial, tuple(name for _, name in self.read))

    def _variable(self, operator: FileOperator) -> Key:
        handle = operator.inputs[0] if operator.inputs else -1
        if handle not in self.handles:
            raise ModelError(
                f"{_label(self.file, operator)} uses a variable that no VAR_HANDLE before it "
                "names.",
                hint="Copy or export the file again.",
            )
        return self.handles[handle]

    def _read(self, operator: FileOperator) -> None:
        key, (output,) = self._variable(operator), operator.outputs
        if key not in self.held:
            self.read[key] = self.held[key] = output
            return
        one, other = self.file.tensors[self.held[key]], self.file.tensors[output]
        if (one.scales, one.zero_points) != (other.scales, other.zero_points):
            raise ModelError(
                f"The variable {key[1]!r} holds {one.name!r} and is read as {other.name!r}, which "
                "has another scale or zero point.",
                hint=_AGAIN,
            )
        self.same[output] = self.held[key]

    def _assign(self, operator: FileOperator) -> None:
        key, source = self._variable(operator), operator.inputs[1]
        self.held[key] = self.same.get(source, source)

    def _check(self, key: Key, index: int, first: FileTensor | None) -> None:
        """Check a variable's type and size, and that it has a first value."""
        tables = [self.file.tensors[index], self.file.tensors[self.held[key]]]
        what = f"The variable {key[1]!r}"
        if first is None or first.values is None:
            raise ModelError(
                f"{what} is read before it has a value: no subgraph of CALL_ONCE assigns a "
                "constant to it.",
                hint="Export the model again, with the variable's initial value.",
            )
        for table in (*tables, first):
            if table.dtype != "int8" or math.prod(table.shape) != math.prod(tables[0].shape):
                wide = table.dtype == "int16"
                raise ModelError(
                    f"{what} of shape {tables[0].shape} holds {table.name!r}, {table.dtype} of "
                    f"shape {table.shape}.",
                    expected="Expected int8 values of one shape.",
                    hint=_WIDE if wide else _AGAIN,
                )
        if self.held[key] not in {i for op in self.operators for i in op.outputs} | {
            *self.file.inputs,
            *self.read.values(),
        }:
            raise ModelError(
                f"{what} is assigned {tables[1].name!r}, which no operator computes.",
                hint="Copy or export the file again.",
            )


def _label(file: TfliteFile, operator: FileOperator) -> str:
    label = file.label(operator)
    return label[0].upper() + label[1:]


def _key(operator: FileOperator) -> Key:
    options = operator.options
    names = (getattr(options, "container", None), getattr(options, "sharedName", None))
    container, name = (
        each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each or "")
        for each in names
    )
    return container, name


def _first_values(file: TfliteFile) -> Mapping[Key, FileTensor]:
    """What the subgraphs that run once assign to each variable."""
    found: dict[Key, FileTensor] = {}
    for start in file.started.values():
        handles: dict[int, Key] = {}
        for operator in start.operators:
            if operator.builtin == "VAR_HANDLE":
                handles[operator.outputs[0]] = _key(operator)
            elif operator.builtin == "ASSIGN_VARIABLE" and operator.inputs[0] in handles:
                found[handles[operator.inputs[0]]] = start.tensors[operator.inputs[1]]
            else:
                raise ModelError(
                    f"{_label(start, operator)} of the subgraph that CALL_ONCE runs is more than "
                    "the assignment of a constant.",
                    expected="Expected variables that start with constants.",
                    hint="Export the model again, with constant initial values.",
                )
    return found


def _with_output(file: TfliteFile, index: int, state: int) -> TfliteFile:
    """The file with one more output; a copy of a tensor that is an output or input already.

    Args:
        file: without the states among its inputs.
        index: the tensor with the state after the inference.
        state: the tensor with the state before it.
    """
    written = {output for operator in file.operators for output in operator.outputs}
    if index in written and index not in file.outputs:
        return replace(file, outputs=(*file.outputs, index))
    source, number = file.tensors[index], len(file.tensors)
    name = free_name(f"{file.tensors[state].name}/next", {each.name for each in file.tensors})
    options = schema.ReshapeOptionsT()
    options.newShape = list(source.shape)
    last = file.operators[-1].index if file.operators else 0
    copy = FileOperator(last, "RESHAPE", "", (index,), (number,), options)
    return replace(
        file,
        tensors=(*file.tensors, replace(source, name=name)),
        operators=(*file.operators, copy),
        outputs=(*file.outputs, number),
    )
