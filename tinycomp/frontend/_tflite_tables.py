"""Recognizes CAST, ADD and GATHER from 256 int8 values as a look-up table (ops/_function.py).
Minima and maxima with one constant become look-ups too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.frontend._tflite_file import FileOperator, TfliteFile, without_unread
from tinycomp.ir.tensor import Array

_EVERY = np.arange(-128, 128)
_EXTREMA = {"MAXIMUM": np.maximum, "MINIMUM": np.minimum}


class Lookup(FileOperator):
    """A look-up in a table; its options are the 256 entries, as bytes."""


def fuse_tables(file: TfliteFile) -> TfliteFile:
    """The file with one look-up of the int8 tensor for each such group."""
    writers = {index: operator for operator in file.operators for index in operator.outputs}
    operators = [_fused(file, operator, writers) or operator for operator in file.operators]
    unread = {
        id(each)
        for each in operators
        if each.builtin in ("CAST", "ADD") and file.tensors[each.outputs[0]].dtype == "int32"
    }
    kept = without_unread(operators, file.outputs, unread)
    return replace(file, operators=tuple(kept))


def _fused(
    file: TfliteFile, operator: FileOperator, writers: dict[int, FileOperator]
) -> FileOperator | None:
    """The look-up that ends with an operator; None for others."""
    if len(operator.inputs) != 2 or len(operator.outputs) != 1 or min(operator.inputs) < 0:
        return None
    if operator.builtin in _EXTREMA:
        return _bounded(file, operator)
    if operator.builtin != "GATHER" or getattr(operator.options, "axis", 0) != 0:
        return None
    table = file.tensors[operator.inputs[0]]
    addition = writers.get(operator.inputs[1])
    if table.values is None or table.dtype != "int8" or len(table.shape) != 1 or addition is None:
        return None
    offset, place = _number(file, addition) if addition.builtin == "ADD" else (None, 0)
    cast = writers.get(addition.inputs[place])
    if offset is None or cast is None or cast.builtin != "CAST" or len(cast.inputs) != 1:
        return None
    source = file.tensors[cast.inputs[0]]
    first = offset - 128
    if source.dtype != "int8" or first < 0 or first + 256 > table.values.size:
        return None
    return _lookup(operator, cast.inputs[0], table.values[first : first + 256])


def _bounded(file: TfliteFile, operator: FileOperator) -> FileOperator | None:
    """A minimum or maximum with one int8 constant."""
    bound, place = _number(file, operator)
    if bound is None or file.tensors[operator.inputs[place]].dtype != "int8":
        return None
    return _lookup(operator, operator.inputs[place], _EXTREMA[operator.builtin](_EVERY, bound))


def _number(file: TfliteFile, operator: FileOperator) -> tuple[int | None, int]:
    """The constant of an operator with one number as an input, and which input is the other."""
    values = [file.tensors[index].values if index >= 0 else None for index in operator.inputs]
    if len(values) == 2:
        for place, constant in enumerate(values):
            other = values[1 - place]
            if constant is not None and constant.size == 1 and other is None:
                return int(constant.ravel()[0]), 1 - place
    return None, 0


def _lookup(operator: FileOperator, source: int, entries: Array) -> Lookup:
    data = entries.astype(np.int8).tobytes()
    return Lookup(operator.index, "GATHER", "", (source,), operator.outputs, data)
