"""Mends in a .tflite's bytes what other tools accept and LiteRT refuses, one number at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tinycomp.frontend._tflite_decode import DAMAGE
from tinycomp.frontend._tflite_file import layer_name

_QUANTIZED_DIMENSION = 16
"""The field's place in the table of QuantizationParameters (its vtable offset, in bytes)."""


def repaired(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The bytes with quantized dimensions that LiteRT accepts, and a note of what was changed.

    A tensor of one axis (a bias) can be quantized along that one only, and where there is one scale
    the dimension means nothing; some converters wrote the weights' dimension there.
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
    """Tensors whose quantized dimension is to become 0: name, and its place in the bytes."""
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
