"""Corrects values in a .tflite's bytes that other tools accept and LiteRT refuses."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from ai_edge_litert import schema_py_generated as schema

from tinycomp.frontend._tflite_decode import DAMAGE
from tinycomp.frontend._tflite_file import layer_name

_QUANTIZED_DIMENSION = 16
"""Vtable offset of the field in the table QuantizationParameters, in bytes."""
_VERSION = 8
"""Vtable offset of the field in the table OperatorCode, in bytes."""
_NEWEST = {"DEPTH_TO_SPACE": 1, "TILE": 2}
"""The newest versions known to LiteRT's reference, for operators for which TensorFlow 2.21 writes
newer ones; LiteRT's kernels support int8 nevertheless.
"""


class _Change(NamedTuple):
    """A number to overwrite."""

    offset: int
    """Position in the bytes."""
    value: int
    """An int32."""
    name: str
    """Name of the tensor or operator."""


def repaired(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The bytes with quantized dimensions and operator versions that LiteRT accepts, and a note
    about each kind of change.

    A tensor of one axis (a bias) can only be quantized along that axis, and with one scale the
    dimension has no meaning; some converters wrote the weights' dimension there.
    """
    try:
        dimensions, versions = list(_wrong_dimensions(data)), list(_wrong_versions(data))
    except DAMAGE:
        return data, ()
    mended = bytearray(data)
    for change in (*dimensions, *versions):
        struct.pack_into("<i", mended, change.offset, change.value)
    notes = []
    if dimensions:
        notes.append(
            f"LiteRT rejects quantized_dimension of {len(dimensions)} "
            f"tensor{'s' if len(dimensions) > 1 else ''} of one axis (the first: "
            f"{layer_name(dimensions[0].name)!r}). It was set to 0, which changes no value."
        )
    if versions:
        names = ", ".join(f"{change.name} to {change.value}" for change in versions)
        notes.append(
            f"LiteRT does not support the version of some operators in the file. It was lowered "
            f"({names}), which changes no value."
        )
    return bytes(mended), tuple(notes)


def _wrong_dimensions(data: bytes) -> Iterator[_Change]:
    """Quantized dimensions to set to 0."""
    model: Any = schema.Model.GetRootAs(data, 0)
    for number in range(model.SubgraphsLength()):
        subgraph = model.Subgraphs(number)
        for index in range(subgraph.TensorsLength()):
            tensor = subgraph.Tensors(index)
            known, rank = tensor.Quantization(), tensor.ShapeLength()
            if known is None or 0 <= known.QuantizedDimension() < max(1, rank):
                continue
            if rank == 1 or known.ScaleLength() <= 1:
                table = known._tab
                place = table.Pos + table.Offset(_QUANTIZED_DIMENSION)
                name = (tensor.Name() or b"tensor").decode("utf-8", "replace")
                yield _Change(place, 0, name)


def _wrong_versions(data: bytes) -> Iterator[_Change]:
    """Operator versions to lower."""
    newest = {getattr(schema.BuiltinOperator, name): name for name in _NEWEST}
    model: Any = schema.Model.GetRootAs(data, 0)
    for number in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(number)
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = newest.get(builtin)
        if name is not None and code.Version() > _NEWEST[name]:
            table = code._tab
            yield _Change(table.Pos + table.Offset(_VERSION), _NEWEST[name], name)
