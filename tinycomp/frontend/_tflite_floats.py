"""Float files: which they are, and their stored weights as float32.

Weights may be stored in float16, behind DEQUANTIZE, or in 8 bits that a float layer reads directly
(dynamic-range quantization).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.frontend._tflite_kinds import CONVERSIONS
from tinycomp.frontend._tflite_values import quantization
from tinycomp.ir.tensor import Array, dequantize_values

_STORED = ("float16", "int8", "uint8")
"""Types of constants that a float layer may read."""


def is_floating(file: TfliteFile) -> bool:
    """Whether the file's layers compute in float32."""
    computing = [op for op in file.operators if op.builtin not in CONVERSIONS and op.outputs]
    results = {file.tensors[op.outputs[0]].dtype for op in computing}
    return "float32" in results and not results & {"int8", "uint8", "int16"}


def as_float32(file: TfliteFile) -> tuple[TfliteFile, tuple[str, ...]]:
    """A float file with all its weights in float32, and a note if they were stored otherwise.

    Raises:
        ModelError: a constant's quantization is damaged.
    """
    found: dict[int, FileTensor] = {}
    kinds: set[str] = set()
    operators: list[FileOperator] = []
    for operator in file.operators:
        source = operator.inputs[0] if operator.inputs else -1
        if operator.builtin == "DEQUANTIZE" and source >= 0 and _is_stored(file.tensors[source]):
            output = file.tensors[operator.outputs[0]]
            values = _real(file.tensors[source]).reshape(output.shape)
            kinds.add(file.tensors[source].dtype)
            found[operator.outputs[0]] = replace(output, values=values)
            continue
        operators.append(operator)
        if operator.outputs and file.tensors[operator.outputs[0]].dtype == "float32":
            for index in operator.inputs:
                if index >= 0 and _is_stored(file.tensors[index]):
                    found[index] = _plain(file.tensors[index])
                    kinds.add(file.tensors[index].dtype)
    tensors = tuple(found.get(i, tensor) for i, tensor in enumerate(file.tensors))
    notes = (_note(sorted(kinds)),) if kinds else ()
    return replace(file, tensors=tensors, operators=tuple(operators)), notes


def _is_stored(tensor: FileTensor) -> bool:
    return tensor.values is not None and tensor.dtype in _STORED


def _plain(tensor: FileTensor) -> FileTensor:
    return replace(tensor, dtype="float32", values=_real(tensor), scales=(), zero_points=())


def _real(tensor: FileTensor) -> Array:
    """float32 values of a stored constant."""
    assert tensor.values is not None
    known = quantization(tensor)
    if known is None:
        return tensor.values.astype(np.float32)
    return dequantize_values(tensor.values.astype(np.int64), known)


def _note(kinds: list[str]) -> str:
    return (
        f"The file's weights are stored as {' and '.join(kinds)}, and its layers compute in "
        "float32: it is quantized to int8 from there, so a file with float32 weights may score "
        "higher."
    )
