"""Reads places of extremes (ARG_MAX, ARG_MIN) as the library returns them: int8 at the scale 1,
where the file has int32 or int64, or a CAST of these.
"""

from __future__ import annotations

from dataclasses import replace

from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.ir.operator import NUMBERS
from tinycomp.ops._arg_extreme import ArgExtreme
from tinycomp.ops._registry import by_tflite_name

_RESHAPES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")
_NUMBERS = ("int32", "int64", "int16", "int8", "float32")
"""Types that hold the same places after a CAST."""


def find_places(file: TfliteFile, dtype: str) -> tuple[TfliteFile, tuple[str, ...]]:
    """The file with places in one type and without casts of them, and notes on its outputs.

    Args:
        file: without conversions at its ends.
        dtype: of places in the graph: "int8", or "float32" in a float file.
    """
    places: set[int] = set()
    same: dict[int, int] = {}
    kept: list[FileOperator] = []
    for operator in file.operators:
        operator = replace(operator, inputs=tuple(same.get(at, at) for at in operator.inputs))
        if _is_cast(file, operator, places):
            same[operator.outputs[0]] = operator.inputs[0]
            continue
        if _finds(operator) or (operator.builtin in _RESHAPES and operator.inputs[0] in places):
            places |= {*operator.outputs}
        kept.append(operator)
    if not places:
        return file, ()
    tensors = tuple(
        _as_places(tensor, dtype) if index in places else tensor
        for index, tensor in enumerate(file.tensors)
    )
    outputs = tuple(same.get(index, index) for index in file.outputs)
    notes = tuple(
        f"The output {file.tensors[old].name!r} holds places ({file.tensors[old].dtype}); the "
        "library returns them as int8, as they are."
        for old, new in zip(file.outputs, outputs, strict=True)
        if new in places and dtype == "int8"
    )
    return replace(file, tensors=tensors, operators=tuple(kept), outputs=outputs), notes


def _finds(operator: FileOperator) -> bool:
    kind = by_tflite_name().get(operator.builtin)
    return kind is not None and issubclass(kind, ArgExtreme)


def _is_cast(file: TfliteFile, operator: FileOperator, places: set[int]) -> bool:
    if operator.builtin != "CAST" or (len(operator.inputs), len(operator.outputs)) != (1, 1):
        return False
    numbers = file.tensors[operator.outputs[0]].dtype in _NUMBERS
    return numbers and operator.inputs[0] in places


def _as_places(tensor: FileTensor, dtype: str) -> FileTensor:
    if dtype == "float32":
        return replace(tensor, dtype=dtype, scales=(), zero_points=())
    return replace(tensor, dtype=dtype, scales=NUMBERS.scales, zero_points=NUMBERS.zero_points)
