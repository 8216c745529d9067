"""Functions of one int8 value that the converter computes in float32, between DEQUANTIZE and
QUANTIZE (the NEG of every LayerNormalization): each is a table of 256 results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile, without_unread
from tinycomp.frontend._tflite_tables import Lookup
from tinycomp.ir.fixed_point import round_steps
from tinycomp.ir.tensor import Array

_FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "ABS": np.abs,
    "CEIL": np.ceil,
    "COS": np.cos,
    "EXP": np.exp,
    "FLOOR": np.floor,
    "LOG": np.log,
    "NEG": np.negative,
    "RELU": lambda x: np.maximum(x, np.float32(0)),
    "RSQRT": lambda x: np.float32(1) / np.sqrt(x),
    "SIGN": np.sign,
    "SIN": np.sin,
    "SQRT": np.sqrt,
    "SQUARE": np.square,
}
"""Of float32 values."""
_WITH_A_NUMBER: Mapping[str, Callable[[Array, Array], Array]] = {
    "ADD": np.add,
    "DIV": np.divide,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "MUL": np.multiply,
    "SUB": np.subtract,
}
"""Of two values, one of which is a single constant."""
_LONGEST = 16
"""Operators from DEQUANTIZE to QUANTIZE."""


def fuse_islands(file: TfliteFile) -> TfliteFile:
    """The file with a look-up for each such function."""
    writers = {index: each for each in file.operators for index in each.outputs}
    passed: set[int] = set()
    operators = []
    for operator in file.operators:
        operators.append(_fused(file, operator, writers, passed) or operator)
    return replace(file, operators=tuple(without_unread(operators, file.outputs, passed)))


def _fused(
    file: TfliteFile, operator: FileOperator, writers: Mapping[int, FileOperator], passed: set[int]
) -> Lookup | None:
    """The look-up that ends with a QUANTIZE; None for others."""
    if operator.builtin != "QUANTIZE" or len(operator.inputs) != 1:
        return None
    target = file.tensors[operator.outputs[0]]
    chain: list[FileOperator] = []
    index: int | None = operator.inputs[0]
    while index is not None and len(chain) < _LONGEST:
        writer = writers.get(index)
        if writer is None:
            return None
        chain.append(writer)
        source = file.tensors[writer.inputs[0]]
        if writer.builtin == "DEQUANTIZE":
            if not (_is_byte(source) and _is_byte(target)) or len(chain) < 2:
                return None
            passed |= {id(each) for each in chain}
            entries = _entries(file, chain[::-1], source, target)
            return Lookup(
                operator.index, "GATHER", "", (writer.inputs[0],), operator.outputs, entries
            )
        index = _argument(file, writer)
    return None


def _is_byte(tensor: FileTensor) -> bool:
    return tensor.dtype == "int8" and len(tensor.scales) == len(tensor.zero_points) == 1


def _argument(file: TfliteFile, operator: FileOperator) -> int | None:
    """The input that the function of one value reads; None if it is not known here."""
    if operator.builtin in _FUNCTIONS and len(operator.inputs) == 1:
        return operator.inputs[0]
    if operator.builtin in _WITH_A_NUMBER and len(operator.inputs) == 2:
        if getattr(operator.options, "fusedActivationFunction", 0):
            return None
        values = [file.tensors[index].values for index in operator.inputs]
        known = [each is not None and each.size == 1 for each in values]
        if sum(known) == 1 and values[known.index(False)] is None:
            return operator.inputs[known.index(False)]
    return None


def _entries(
    file: TfliteFile, chain: list[FileOperator], source: FileTensor, target: FileTensor
) -> bytes:
    """The results for -128 to 127, in LiteRT's float32 arithmetic."""
    steps = np.arange(-128, 128, dtype=np.float32) - np.float32(source.zero_points[0])
    scale = np.float32(target.scales[0])
    x: Array = np.float32(source.scales[0]) * steps
    with np.errstate(all="ignore"):
        for operator in chain[1:]:
            if operator.builtin in _FUNCTIONS:
                x = _FUNCTIONS[operator.builtin](x)
                continue
            values = [file.tensors[index].values for index in operator.inputs]
            first, second = (
                x if each is None else each.reshape(-1).astype(np.float32) for each in values
            )
            x = _WITH_A_NUMBER[operator.builtin](first, second)
        found: bytes = round_steps((x / scale).astype(np.float32), target.zero_points[0]).tobytes()
    return found
