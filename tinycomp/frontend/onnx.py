"""Reads an ONNX model into a float Graph with channels behind height and width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.frontend._channels_note import channels_note
from tinycomp.frontend._onnx_file import OnnxInput, OnnxModel, read_file
from tinycomp.frontend._onnx_fusions import fused
from tinycomp.frontend._onnx_numbers import misread_numbers
from tinycomp.frontend._onnx_views import View, Weaver, channels_last, inner_shape, view
from tinycomp.frontend._onnx_walk import OnnxWalk
from tinycomp.ir.graph import Graph, GraphBuilder, named_ends

_LAST = {
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "DepthToSpace",
    "GlobalAveragePool", "GlobalMaxPool", "InstanceNormalization", "MaxPool", "Resize",
    "SpaceToDepth", "Upsample",
}  # fmt: skip
"""Operators that compute on channels in front, which lie behind here."""
_THROUGH = {
    "Add", "Cast", "Clip", "DequantizeLinear", "Div", "Dropout", "Identity", "Mul", "Pad",
    "QuantizeLinear", "Relu", "Sigmoid", "Sub", "Tanh",
}  # fmt: skip
"""Operators of any layout."""
_CONVERTS = ("Cast", "DequantizeLinear", "Identity", "Reshape", "Transpose")
"""Operators that read whole numbers as real ones, or pass them on."""


def read_onnx(path: Path) -> Graph:
    """The float graph of an .onnx file; the graph has the file's name.

    An input of an image (batch, channels, height, width) becomes (height, width, channels), as do
    outputs that still have these axes; notes say so.

    Raises:
        ModelError: the file can't be read, or has unsupported parts; the text names them all.
    """
    model = fused(read_file(path))
    blockers = Blockers(repr(path.name))
    builder = GraphBuilder(path.stem)
    walk = OnnxWalk(model, Weaver(builder), blockers)
    for reason in _inputs(path, model):
        blockers.add(reason)
    notes = list(model.notes)
    for each in model.inputs:
        order = _input_order(model, each)
        shape = inner_shape(each.shape, order)
        walk.values[each.name] = view(builder.input(each.name, shape), each.shape, order)
        if order != tuple(range(len(each.shape))):
            notes.append(channels_note("takes", "Input", each.name, each.shape[1:], shape))
    walk.run()
    blockers.raise_any()
    first = bool(notes[len(model.notes) :])
    outputs = []
    computed, constant = _by_kind(walk, model)
    notes += constant
    for name in computed:
        output = _output(walk, name, path)
        outputs.append(output.name)
        places = output.axis_order()
        if places is not None and places != tuple(range(len(places))):
            shape = inner_shape(output.shape, places)
            notes.append(channels_note("returns", "Output", name, output.shape[1:], shape))
    rounding = walk.weaver.rounding
    if rounding:
        notes.append("The model is quantized: its scales and zero points are kept.")
        if walk.uneven:
            notes.append(_rounded_anew(walk.uneven))
    return replace(
        named_ends(builder.build(outputs, model.class_names), computed),
        notes=tuple(notes),
        channels_first=first,
        rounding=rounding,
    )


def _inputs(path: Path, model: OnnxModel) -> Iterator[ModelError]:
    """Refuse unsupported types and shapes of inputs."""
    yield from misread_numbers(model)
    for each in model.inputs:
        others = {node.kind for node in model.readers(each.name)} - {*_CONVERTS}
        if each.dtype in ("int8", "uint8") and others:
            yield ModelError(
                f"The input {each.name!r} of {path} is of type {each.dtype}, and read by "
                f"{', '.join(sorted(others))}, which compute in whole numbers.",
                expected="Expected real numbers, or a Cast to them first.",
            )
        if not 1 <= len(inner_shape(each.shape, range(len(each.shape)))) <= 3:
            yield ModelError(
                f"The input {each.name!r} of {path} has the shape {each.shape}.",
                expected="Expected a batch of 1, and one to three axes.",
            )


def _input_order(model: OnnxModel, wanted: OnnxInput) -> tuple[int, ...]:
    """The axes of an input as they lie in memory: channels behind if the first node that cares has
    them in front.
    """
    plain = tuple(range(len(wanted.shape)))
    if len(plain) not in (3, 4):
        return plain
    waiting, seen = [wanted.name], set()
    while waiting:
        name = waiting.pop(0)
        for node in model.readers(name):
            if node.kind in _LAST:
                return channels_last(len(plain))
            if node.kind in _THROUGH and node.name not in seen:
                seen.add(node.name)
                waiting += [each for each in node.outputs if each]
    return plain


def _by_kind(walk: OnnxWalk, model: OnnxModel) -> tuple[list[str], list[str]]:
    """The outputs that depend on an input, and a note on each other one, as policies return their
    spread; all outputs where none depends on an input.
    """
    constant = [name for name in model.outputs if isinstance(walk.values.get(name), np.ndarray)]
    if len(constant) == len(model.outputs):
        return list(model.outputs), []
    notes = [
        f"The output {name!r} {np.shape(walk.values[name])} is constant, and was left out of the "
        "library: onnxruntime gives its values for any input."
        for name in constant
    ]
    return [name for name in model.outputs if name not in constant], notes


def _output(walk: OnnxWalk, name: str, path: Path) -> View:
    """An output in one piece: as in the file, or with channels behind if they lie so.

    Raises:
        ModelError: it is a constant, or one that is not supported.
    """
    value = walk.values.get(name)
    if not isinstance(value, View):
        raise ModelError(
            f"The output {name!r} of {path} "
            + ("does not depend on the input." if name in walk.values else "is not supported."),
            expected="Expected outputs that the model computes.",
            hint="Return the first results of nodes only, no masks, places or statistics.",
        )
    plain = tuple(range(len(value.axes)))
    last = value.axis_order() == channels_last(len(plain)) and value.shape[:1] == (1,)
    order = channels_last(len(plain)) if last else plain
    taken = walk.weaver.take(value, order, inner_shape(value.shape, order))
    return view(taken, value.shape, order)


def _rounded_anew(names: Sequence[str]) -> str:
    """What happens to weights whose zero point is not in the middle."""
    shown = ", ".join(map(repr, names[:3])) + (" ..." if len(names) > 3 else "")
    what = (
        "1 constant with a zero point of its own is"
        if len(names) == 1
        else f"{len(names)} constants with zero points of their own are"
    )
    return (
        f"{what} rounded anew, to symmetric int8: {shown}. "
        "Quantize with symmetric weights to keep them as they are."
    )
