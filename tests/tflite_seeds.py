"""Small .tflite files that together use every feature of the reader, as seeds for fuzzing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from conformance import CASES, cases_of
from float_graphs import float_graph
from tflite_edits import (
    CONVOLUTION,
    DENSE,
    FLOAT32,
    UINT8,
    add_code,
    add_tensor,
    case,
    constant,
    convert_input,
    convert_output,
    edited,
    operator,
)

from tinycomp.quantization.export import write_tflite

LARGEST = 6000
"""The largest file in bytes: larger ones are mostly weights, where mutations have little effect."""
CASES_EACH = 4
FLOAT = ("add", "conv_2d", "depthwise_conv_2d", "fully_connected", "max_pool_2d", "softmax")
"""Operators of float files among the seeds."""


def seeds() -> dict[str, bytes]:
    """Files by name: conformance cases of every operator, and features without a case."""
    found = dict(_cases())
    found["float ends"] = edited(CONVOLUTION, convert_input(FLOAT32), convert_output(FLOAT32))
    found["uint8 ends"] = edited(DENSE, convert_input(UINT8, 128), convert_output(UINT8, 128))
    found["other ends"] = edited(DENSE, convert_input(UINT8, 99), convert_output(UINT8, 140))
    found["shape arithmetic"] = edited(case("conv_2d", "1x1"), shape_arithmetic)
    found["unpacked"] = edited(case("relu", "zero point 3"), unpacked)
    found["anchors"] = edited(case("conv_2d", "1x1"), anchors)
    found["dilation"] = edited(case("conv_2d", "3x3 valid"), dilated_2d)
    found["dilation 1-D"] = edited(case("conv_2d", "1x1"), dilated_1d)
    for name in FLOAT:
        smallest = min(cases_of(name), key=lambda each: len(write_tflite(each.graph)))
        found[f"float {name}"] = write_tflite(float_graph(smallest.graph))
    return found


def _cases() -> Iterator[tuple[str, bytes]]:
    for path in sorted(CASES.glob("*.py")):
        written = [(each.name, write_tflite(each.graph)) for each in cases_of(path.stem)]
        small = sorted((each for each in written if len(each[1]) <= LARGEST), key=_size)
        step = max(1, len(small) // CASES_EACH)
        for name, data in small[::step][:CASES_EACH]:
            yield f"{path.stem}: {name}", data


def _size(each: tuple[str, bytes]) -> int:
    return len(each[1])


def shape_arithmetic(model: Any, subgraph: Any) -> None:
    """Flattens the output to (batch, -1), as converters do for a dynamic batch."""
    source = int(subgraph.outputs[0])
    names = ("begin", "end", "step")
    begin, end, step = (
        constant(model, subgraph, name, np.array([value], np.int32))
        for name, value in zip(names, (0, 1, 1), strict=True)
    )
    length = int(np.prod(subgraph.tensors[source].shape))
    size = constant(model, subgraph, "size", np.array(length, np.int32))
    shape = _integers(subgraph, "shape", [len(subgraph.tensors[source].shape)])
    batch, target = _integers(subgraph, "batch", []), _integers(subgraph, "target", [2])
    flat = add_tensor(subgraph, "flat", source, schema.TensorType.INT8)
    subgraph.tensors[flat].shape = np.array([1, length], np.int32)
    subgraph.tensors[flat].shapeSignature = np.array([-1, length], np.int32)
    sliced, packed = schema.StridedSliceOptionsT(), schema.PackOptionsT()
    sliced.shrinkAxisMask, packed.valuesCount = 1, 2
    subgraph.operators += [
        operator(add_code(model, "SHAPE"), [source], [shape], _shape_options()),
        operator(add_code(model, "STRIDED_SLICE"), [shape, begin, end, step], [batch], sliced),
        operator(add_code(model, "PACK"), [batch, size], [target], packed),
        operator(add_code(model, "RESHAPE"), [source, target], [flat]),
    ]
    subgraph.outputs = np.array([flat], np.int32)


def unpacked(model: Any, subgraph: Any) -> None:
    """Behind the output: columns taken apart, and stacked the other way round along a new axis."""
    source = int(subgraph.outputs[0])
    shape = [int(size) for size in subgraph.tensors[source].shape]
    columns = []
    for number in range(shape[2]):
        columns.append(add_tensor(subgraph, f"column{number}", source, schema.TensorType.INT8))
        subgraph.tensors[columns[-1]].shape = np.array([*shape[:2], *shape[3:]], np.int32)
    stacked = add_tensor(subgraph, "stacked", source, schema.TensorType.INT8)
    subgraph.tensors[stacked].shape = np.array([*shape[:2], *shape[3:], shape[2]], np.int32)
    unpack, pack = schema.UnpackOptionsT(), schema.PackOptionsT()
    unpack.axis, unpack.num = -2, len(columns)
    pack.axis, pack.valuesCount = 3, len(columns)
    subgraph.operators += [
        operator(add_code(model, "UNPACK", 2), [source], columns, unpack),
        operator(add_code(model, "PACK", 2), columns[::-1], [stacked], pack),
    ]
    subgraph.outputs = np.array([stacked], np.int32)


def anchors(model: Any, subgraph: Any) -> None:
    """A second output, as detectors have it: a constant, tiled by the batch, added to itself along
    an axis.
    """
    source = int(subgraph.outputs[0])
    like = subgraph.tensors[source]
    anchor = constant(model, subgraph, "anchor", np.arange(6, dtype=np.int8).reshape(1, 3, 2))
    subgraph.tensors[anchor].quantization = like.quantization
    one = constant(model, subgraph, "one", np.array(1, np.int32))
    begin, end = (
        constant(model, subgraph, name, np.array([value], np.int32))
        for name, value in (("begin", 0), ("end", 1))
    )
    shape = _integers(subgraph, "shape", [len(like.shape)])
    batch, times = _integers(subgraph, "batch", []), _integers(subgraph, "times", [3])
    tiled, joined = (
        add_tensor(subgraph, name, source, schema.TensorType.INT8) for name in ("tiled", "joined")
    )
    subgraph.tensors[tiled].shape = np.array([1, 3, 2], np.int32)
    subgraph.tensors[tiled].shapeSignature = np.array([-1, 3, 2], np.int32)
    subgraph.tensors[joined].shape = np.array([1, 6, 2], np.int32)
    sliced, packed = schema.StridedSliceOptionsT(), schema.PackOptionsT()
    sliced.shrinkAxisMask, packed.valuesCount = 1, 3
    along = schema.ConcatenationOptionsT()
    along.axis = 1
    subgraph.operators += [
        operator(add_code(model, "SHAPE"), [source], [shape], _shape_options()),
        operator(add_code(model, "STRIDED_SLICE"), [shape, begin, end, end], [batch], sliced),
        operator(add_code(model, "PACK"), [batch, one, one], [times], packed),
        operator(add_code(model, "TILE", 2), [anchor, times], [tiled]),
        operator(add_code(model, "CONCATENATION", 2), [tiled, tiled], [joined], along),
    ]
    subgraph.outputs = np.array([source, joined], np.int32)


def _shape_options() -> Any:
    options = schema.ShapeOptionsT()
    options.outType = schema.TensorType.INT32
    return options


def _integers(subgraph: Any, name: str, shape: list[int]) -> int:
    table = schema.TensorT()
    table.shape, table.type = np.array(shape, np.int32), schema.TensorType.INT32
    table.name = name.encode()
    subgraph.tensors.append(table)
    return len(subgraph.tensors) - 1


def dilated_2d(model: Any, subgraph: Any) -> None:
    """Puts the first convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, block 2 x 3."""
    convolution = subgraph.operators[0]
    height, width = (int(n) for n in subgraph.tensors[int(convolution.inputs[0])].shape[1:3])
    weights = subgraph.tensors[int(convolution.inputs[1])].shape
    block, kernel = (2, 3), (int(weights[1]), int(weights[2]))
    same = [(k - 1) * b for k, b in zip(kernel, block, strict=True)]
    before = [amount // 2 for amount in same]
    behind = [
        amount - first + (-(size + amount) % b)
        for amount, first, size, b in zip(same, before, (height, width), block, strict=True)
    ]
    extra = [
        (-(size + amount) % b) for amount, size, b in zip(same, (height, width), block, strict=True)
    ]
    pads = np.array(list(zip(before, behind, strict=True)), np.int32)
    crops = np.array([(0, amount) for amount in extra], np.int32)
    _group(model, subgraph, np.array(block, np.int32), pads, crops)
    output = subgraph.tensors[int(subgraph.outputs[0])]
    channels = int(weights[0])
    output.shape = np.array([1, height, width, channels], np.int32)


def dilated_1d(model: Any, subgraph: Any) -> None:
    """The same over the length of a 1-D input: block 2; an axis is added and removed in between."""
    convolution = subgraph.operators[0]
    source = subgraph.tensors[int(subgraph.inputs[0])]
    length, channels = int(source.shape[1]), int(source.shape[3])
    weights = subgraph.tensors[int(convolution.inputs[1])]
    odd = length % 2
    pads, crops = np.array([[0, odd]], np.int32), np.array([[0, odd]], np.int32)
    source.shape = np.array([1, length, channels], np.int32)
    first, last = _group(model, subgraph, np.array([2], np.int32), pads, crops)
    axis = constant(model, subgraph, "axis", np.array(-3, np.int32))
    half, outputs = (length + odd) // 2, int(weights.shape[0])
    final = np.array([-1, half, outputs], np.int32)
    target = constant(model, subgraph, "rows", final)
    wide = add_tensor(subgraph, "wide", int(subgraph.inputs[0]), schema.TensorType.INT8)
    narrow = add_tensor(subgraph, "narrow", int(subgraph.outputs[0]), schema.TensorType.INT8)
    _open(subgraph.tensors[int(first.outputs[0])], [half, channels])
    _open(subgraph.tensors[wide], [1, half, channels])
    _open(subgraph.tensors[int(convolution.outputs[0])], [1, half, outputs])
    _open(subgraph.tensors[narrow], [half, outputs])
    output = subgraph.tensors[int(subgraph.outputs[0])]
    output.shape = np.array([1, length, outputs], np.int32)
    expand = operator(
        add_code(model, "EXPAND_DIMS"), [int(first.outputs[0]), axis], [wide],
        schema.ExpandDimsOptionsT(),
    )  # fmt: skip
    reshape = operator(add_code(model, "RESHAPE"), [int(convolution.outputs[0]), target], [narrow])
    convolution.inputs = np.array([wide, *convolution.inputs[1:]], np.int32)
    last.inputs = np.array([narrow, *last.inputs[1:]], np.int32)
    subgraph.operators = [first, expand, convolution, reshape, last]


def _group(model: Any, subgraph: Any, block: Any, pads: Any, crops: Any) -> tuple[Any, Any]:
    """Insert the two operators around the first convolution; returns both."""
    convolution = subgraph.operators[0]
    sizes = constant(model, subgraph, "block", block)
    added, taken = (
        constant(model, subgraph, name, amounts)
        for name, amounts in (("pads", pads), ("crops", crops))
    )
    inside = add_tensor(subgraph, "inside", int(convolution.inputs[0]), schema.TensorType.INT8)
    sums = add_tensor(subgraph, "sums", int(convolution.outputs[0]), schema.TensorType.INT8)
    source, output = int(convolution.inputs[0]), int(convolution.outputs[0])
    for index in (inside, sums):
        shape = subgraph.tensors[index].shape
        subgraph.tensors[index].shapeSignature = np.full(len(shape), -1, np.int32)
    first = operator(
        add_code(model, "SPACE_TO_BATCH_ND", 2), [source, sizes, added], [inside],
        schema.SpaceToBatchNDOptionsT(),
    )  # fmt: skip
    last = operator(
        add_code(model, "BATCH_TO_SPACE_ND", 2), [sums, sizes, taken], [output],
        schema.BatchToSpaceNDOptionsT(),
    )  # fmt: skip
    convolution.inputs = np.array([inside, *convolution.inputs[1:]], np.int32)
    convolution.outputs = np.array([sums], np.int32)
    subgraph.operators = [first, convolution, last, *subgraph.operators[1:]]
    return first, last


def _open(table: Any, rest: list[int]) -> None:
    """Sets a dynamic batch followed by fixed sizes."""
    table.shape = np.array([1, *rest], np.int32)
    table.shapeSignature = np.array([-1, *rest], np.int32)
