"""Corrects values in a .tflite's bytes that other tools accept and LiteRT refuses."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tinycomp.frontend._tflite_decode import DAMAGE
from tinycomp.frontend._tflite_file import layer_name

_QUANTIZED_DIMENSION = 16
"""Vtable offset of the field in the table QuantizationParameters, in bytes."""


def repaired(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The bytes with quantized dimensions that LiteRT accepts, and a note about the changes.

    A tensor of one axis (a bias) can only be quantized along that axis, and with one scale the
    dimension has no meaning; some converters wrote the weights' dimension there.
    """
    try:
        wrong = list(_wrong_dimensions(data))
    except DAMAGE:
        return data, ()
    if not wrong:
        return data, ()
    mended = bytearray(data)
    for _, place in wrong:
        struct.pack_into("<i", mended, place, 0)
    first = layer_name(wrong[0][0])
    return bytes(mended), (
        f"LiteRT refuses the file's quantized_dimension of {len(wrong)} "
        f"tensor{'s' if len(wrong) > 1 else ''} of one axis (the first: {first!r}): it was set to "
        "0, which changes no value.",
    )


def _wrong_dimensions(data: bytes) -> Iterator[tuple[str, int]]:
    """Tensors with a quantized dimension to set to 0: name, and position in the bytes."""
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
                yield (tensor.Name() or b"tensor").decode("utf-8", "replace"), place
