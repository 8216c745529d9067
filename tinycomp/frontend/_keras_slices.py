"""Slices of tensors in functional Keras models: x[:, -1], x[..., 2:, None]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ops._keras import refusal
from tinycomp.ops._slice_options import Slices
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice

_REST = {"class_name": "__ellipsis__", "config": {}}


def clean_key(key: Any, name: str) -> list[Any]:
    """The key of x[key] as Keras writes it: whole numbers, slices of them, None and an ellipsis.

    Raises:
        ModelError: it holds anything else.
    """
    entries = key if isinstance(key, list | tuple) else [key]
    cleaned: list[Any] = []
    for entry in entries:
        if isinstance(entry, Mapping) and entry.get("class_name") == "__ellipsis__":
            cleaned.append(_REST)
        elif isinstance(entry, Mapping) and entry.get("class_name") == "__slice__":
            ends = {end: entry["config"].get(end) for end in ("start", "stop", "step")}
            cleaned.append({"class_name": "__slice__", "config": ends})
        else:
            cleaned.append(entry)
    numbers = [
        number
        for entry in cleaned
        for number in (entry["config"].values() if isinstance(entry, Mapping) else [entry])
    ]
    if any(not (number is None or type(number) is int) for number in numbers):
        raise ModelError(
            f"{name!r} takes the part {key!r} of a tensor.",
            expected="Expected whole numbers and slices of them.",
        )
    return cleaned


def sliced(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """x[key]; the batch, which Keras counts as axis 0, stays whole.

    Raises:
        ModelError: the key leaves nothing, or takes a part of the batch.
    """
    shape = (1, *builder.tensors[inputs[0]].shape)
    key = list(layer.config["key"])
    named = sum(entry is not None and entry != _REST for entry in key)
    whole = {"class_name": "__slice__", "config": {}}
    place = key.index(_REST) if _REST in key else len(key)
    key[place : place + 1] = [whole] * (len(shape) - named)
    parts: list[tuple[int, int, int]] = []
    dropped: list[int] = []
    new: list[int] = []
    for entry in key:
        if entry is None:
            new.append(len(parts) - len(dropped) + len(new))
            continue
        size = shape[len(parts)] if len(parts) < len(shape) else 0
        if isinstance(entry, int):
            dropped.append(len(parts))
            entry = {"config": {"start": entry, "stop": entry + 1 or None}}
        ends = (entry["config"].get(end) for end in ("start", "stop", "step"))
        cells = range(size)[slice(*ends)]
        if not cells:
            raise refusal(layer, f"takes the part {layer.config['key']} of {shape[1:]}")
        parts.append((cells.start, len(cells), cells.step))
    if parts[0] != (0, 1, 1) or 0 in dropped or 0 in new:
        raise refusal(
            layer, "takes a part of the batch", expected="Expected ':' as the first index."
        )
    slices = Slices(tuple(parts), tuple(dropped), tuple(new))
    op = StridedSlice(tuple(parts[1:]), tuple(axis - 1 for axis in dropped))
    inner = op.infer_shape([shape[1:]])
    if not new:
        return builder.add(op, inputs, layer.name)
    found = builder.add(op, inputs, f"{layer.name}/part")
    return builder.add(Reshape(slices.with_new_axes((1, *inner))[1:]), [found], layer.name)
