"""Arithmetic of float files in terms of operators that have an int8 form: NEG, SQUARE, DIV by
constants, SUM.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.ir.names import free_name
from tinycomp.ir.tensor import Array


def with_products(file: TfliteFile) -> TfliteFile:
    """A float file with products and means in place of such operators."""
    writer = _Writer(file, list(file.tensors))
    for operator in file.operators:
        rewrite = _REWRITES.get(operator.builtin)
        if rewrite is None or not rewrite(writer, operator):
            writer.operators.append(operator)
    return replace(file, tensors=tuple(writer.tensors), operators=tuple(writer.operators))


@dataclass
class _Writer:
    """The file's new operators, and tensors that they add."""

    file: TfliteFile
    """The file as it was."""
    tensors: list[FileTensor]
    """Its tensors, and new ones behind."""
    operators: list[FileOperator] = field(default_factory=list)
    """So far."""

    def product(self, operator: FileOperator, inputs: tuple[int, int], activation: int = 0) -> None:
        """Append a MUL that writes the operator's output."""
        options = schema.MulOptionsT()
        options.fusedActivationFunction = activation
        self.operators.append(
            FileOperator(operator.index, "MUL", "", inputs, operator.outputs, options)
        )

    def constant(self, name: str, values: Array) -> int:
        """A new constant's index."""
        return self._add(
            FileTensor(self._free(name), "float32", values.shape, values.shape, values)
        )

    def like(self, index: int, name: str) -> int:
        """The index of a new tensor of another's type and shape."""
        return self._add(replace(self.tensors[index], name=self._free(name)))

    def _free(self, name: str) -> str:
        return free_name(name, {each.name for each in self.tensors})

    def _add(self, tensor: FileTensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def name(self, operator: FileOperator) -> str:
        """Of the operator's output."""
        return self.tensors[operator.outputs[0]].name


def _negated(writer: _Writer, operator: FileOperator) -> bool:
    minus = writer.constant(f"{writer.name(operator)}/minus", np.array([-1], np.float32))
    writer.product(operator, (operator.inputs[0], minus))
    return True


def _squared(writer: _Writer, operator: FileOperator) -> bool:
    writer.product(operator, (operator.inputs[0], operator.inputs[0]))
    return True


def _divided(writer: _Writer, operator: FileOperator) -> bool:
    """By a constant; all others are refused."""
    source, divisor = operator.inputs
    values = writer.tensors[divisor].values
    if values is None or not np.all(values):
        return False
    inverse = writer.constant(
        f"{writer.name(operator)}/inverse", (1 / values.astype(np.float64)).astype(np.float32)
    )
    activation = getattr(operator.options, "fusedActivationFunction", 0)
    writer.product(operator, (source, inverse), activation)
    return True


def _summed(writer: _Writer, operator: FileOperator) -> bool:
    """The mean, times the number of values."""
    source, axes = operator.inputs
    values, shape = writer.tensors[axes].values, writer.tensors[source].shape
    if values is None or (not writer.tensors[source].fixed and 0 in values.ravel()):
        return False
    count = math.prod(shape[int(axis)] for axis in np.unique(values.ravel() % len(shape)))
    mean = writer.like(operator.outputs[0], f"{writer.name(operator)}/mean")
    writer.operators.append(replace(operator, builtin="MEAN", outputs=(mean,)))
    factor = writer.constant(f"{writer.name(operator)}/count", np.array([count], np.float32))
    writer.product(operator, (mean, factor))
    return True


_REWRITES: Mapping[str, Callable[[_Writer, FileOperator], bool]] = {
    "DIV": _divided,
    "NEG": _negated,
    "SQUARE": _squared,
    "SUM": _summed,
}
"""By builtin. Each says whether it has written the operator."""
