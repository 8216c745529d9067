"""Arithmetic of float files in terms of operators that have an int8 form: NEG, SQUARE, DIV by
constants, SUM, and the larger or smaller of a tensor and a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.frontend._tflite_file import (
    FileOperator,
    FileTensor,
    TfliteFile,
    without_unread,
)
from tinycomp.ir.names import free_name
from tinycomp.ir.tensor import Array


def with_products(file: TfliteFile) -> TfliteFile:
    """A float file with products and means in place of such operators."""
    writer = _Writer(file, list(file.tensors))
    for operator in file.operators:
        writer.number = operator.index
        rewrite = _REWRITES.get(operator.builtin)
        if rewrite is None or not rewrite(writer, operator):
            writer.operators.append(operator)
    kept = without_unread(writer.operators, file.outputs, set(map(id, writer.halves)))
    return replace(file, tensors=tuple(writer.tensors), operators=tuple(kept))


@dataclass
class _Writer:
    """The file's new operators, and tensors that they add."""

    file: TfliteFile
    """The file as it was."""
    tensors: list[FileTensor]
    """Its tensors, and new ones behind."""
    operators: list[FileOperator] = field(default_factory=list)
    """So far."""
    bounds: dict[int, tuple[int, float, float]] = field(default_factory=dict)
    """Tensors that are others between two numbers: the other, the lower and the upper."""
    number: int = 0
    """Position in the file of the operator that is being written."""
    halves: list[FileOperator] = field(default_factory=list)
    """Operators that are needless if nothing reads them: a bound whose other one follows."""

    def product(self, operator: FileOperator, inputs: tuple[int, int], activation: int = 0) -> None:
        """Append a MUL that writes the operator's output."""
        options = schema.MulOptionsT()
        options.fusedActivationFunction = activation
        self.operators.append(
            FileOperator(operator.index, "MUL", "", inputs, operator.outputs, options)
        )

    def scaled(self, source: int, factor: float, offset: float, output: int) -> None:
        """Append a product and a sum that write a tensor."""
        name = self.tensors[output].name
        between = source
        if factor != 1:
            between = output if not offset else self.like(output, f"{name}/factor")
            number = self.constant(f"{name}/by", np.array([factor], np.float32))
            self._half("MUL", (source, number), between, schema.MulOptionsT())
        if offset:
            number = self.constant(f"{name}/plus", np.array([offset], np.float32))
            self._half("ADD", (between, number), output, schema.AddOptionsT())

    def bounded(self, source: int, low: float, high: float, output: int) -> None:
        """Append what writes a tensor between two numbers, by RELU or RELU6."""
        name = self.tensors[output].name
        upper = math.isinf(low)
        factor = -1.0 if upper else 1.0 if math.isinf(high) else 6 / (high - low)
        offset = high if upper else -low * factor
        before, after = (self.like(output, f"{name}/{part}") for part in ("steps", "cut"))
        before = source if (factor, offset) == (1, 0) else before
        self.scaled(source, factor, offset, before)
        plain = (factor, low) == (1, 0) and not upper
        kind = "RELU" if math.isinf(low) or math.isinf(high) else "RELU6"
        self._half(kind, (before,), output if plain else after, None)
        if not plain:
            self.scaled(after, 1 / factor, high if upper else low, output)

    def _half(self, builtin: str, inputs: tuple[int, ...], output: int, options: Any) -> None:
        self.halves.append(FileOperator(self.number, builtin, "", inputs, (output,), options))
        self.operators.append(self.halves[-1])

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


def _bounded(writer: _Writer, operator: FileOperator) -> bool:
    """The larger or smaller of a tensor and a number; both in turn are one operator."""
    values = [writer.tensors[index].values if index >= 0 else None for index in operator.inputs]
    place = next((i for i, each in enumerate(values) if each is not None and each.size == 1), None)
    if place is None or len(values) != 2 or writer.tensors[operator.outputs[0]].dtype != "float32":
        return False
    source, found = operator.inputs[1 - place], values[place]
    assert found is not None
    bound = float(found.ravel()[0])
    origin, low, high = writer.bounds.get(source, (source, -math.inf, math.inf))
    if operator.builtin == "MAXIMUM":
        low, high = max(low, bound), max(high, bound)
    else:
        low, high = min(low, bound), min(high, bound)
    if not low < high or values[1 - place] is not None:
        return False
    writer.bounds[operator.outputs[0]] = origin, low, high
    writer.bounded(origin, low, high, operator.outputs[0])
    return True


_REWRITES: Mapping[str, Callable[[_Writer, FileOperator], bool]] = {
    "DIV": _divided,
    "MAXIMUM": _bounded,
    "MINIMUM": _bounded,
    "NEG": _negated,
    "SQUARE": _squared,
    "SUM": _summed,
}
"""By builtin. Each says whether it has written the operator."""
