"""Evaluates operators that only move constant values: anchors that are tiled, reshaped and joined.

Converters leave them behind where their shape depends on an open batch. Outputs that are constants
are taken off.
"""

from __future__ import annotations

from dataclasses import replace

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_decode import DAMAGE
from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.frontend._tflite_folding import (
    MOVERS,
    SHAPE_ARITHMETIC,
    fold,
    is_integer,
    moved,
    shape_values,
)
from tinycomp.ir.tensor import Array


def fold_constants(file: TfliteFile) -> tuple[TfliteFile, tuple[str, ...]]:
    """The file with constants for what is moved from constants alone, and notes on outputs that
    were taken off.

    Raises:
        ModelError: all outputs are constants.
    """
    found: dict[int, Array] = {}
    kept: list[FileOperator] = []
    shapes: dict[int, Array] = {}
    for operator in file.operators:
        values = _values(file, operator, found, shapes)
        if values is None:
            kept.append(operator)
            continue
        (output,) = operator.outputs
        if is_integer(values):
            shapes[output] = values
            kept.append(operator)
        else:
            found[output] = values
    if not found:
        return file, ()
    tensors = list(file.tensors)
    for index, values in found.items():
        tensors[index] = replace(tensors[index], values=values)
    constant = {*found, *(o.outputs[0] for o in kept if _converts(o) and o.inputs[0] in found)}
    outputs = tuple(index for index in file.outputs if index not in constant)
    if file.outputs and not outputs:
        raise ModelError(
            f"'{file.name}.tflite' computes constants alone: no output depends on an input.",
            hint="Export the model again.",
        )
    notes = tuple(
        f"The output {tensors[index].name!r} {tensors[index].shape} is constant, and was left out "
        "of the library: LiteRT gives its values for any input."
        for index in file.outputs
        if index in constant
    )
    operators = tuple(each for each in kept if not constant.intersection(each.outputs))
    signatures = tuple(
        replace(each, outputs=tuple(i for i in each.outputs if i not in constant))
        for each in file.signatures
    )
    changed = replace(
        file, tensors=tuple(tensors), operators=operators, outputs=outputs, signatures=signatures
    )
    return changed, notes


def _values(
    file: TfliteFile, operator: FileOperator, found: dict[int, Array], shapes: dict[int, Array]
) -> Array | None:
    """What an operator makes of constants; None where it reads anything else, or can't be read."""
    if len(operator.outputs) != 1 or operator.builtin not in SHAPE_ARITHMETIC | MOVERS.keys():
        return None
    sources = [file.tensors[index] for index in operator.inputs if index >= 0]
    output = file.tensors[operator.outputs[0]]
    if operator.builtin == "SHAPE":
        known = all(size >= 0 for size in sources[0].signature[1:])
        return shape_values(sources[0].shape).astype("int32") if known else None
    inputs = [
        found.get(index, shapes.get(index, file.tensors[index].values))
        for index in operator.inputs
        if index >= 0
    ]
    values = [each for each in inputs if each is not None]
    if not values or len(values) != len(inputs) or len(inputs) != len(operator.inputs):
        return None
    try:
        if all(map(is_integer, values)):
            return fold(operator.builtin, values, operator.options, output.dtype)
        if operator.builtin in MOVERS and _same(sources, output):
            return moved(operator.builtin, values, operator.options)
    except (ModelError, *DAMAGE):
        pass  # the reader of layers says what is wrong
    return None


def _same(sources: list[FileTensor], output: FileTensor) -> bool:
    """Whether all values have the type and quantization of the output."""
    moving = [each for each in sources if each.dtype not in ("int32", "int64")]
    return all(
        (each.dtype, each.scales, each.zero_points)
        == (output.dtype, output.scales, output.zero_points)
        and len(each.scales) <= 1
        for each in moving
    )


def _converts(operator: FileOperator) -> bool:
    return operator.builtin in ("DEQUANTIZE", "QUANTIZE") and len(operator.outputs) == 1
