"""Keras layers that become several operators (averages, differences, PReLU) and layers that only
move or rename values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ops._keras import merge, pair, refusal
from tinycomp.ops.add import Add
from tinycomp.ops.batch_normalization import scaled
from tinycomp.ops.embedding import Embedding
from tinycomp.ops.mean import Mean
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.resize_bilinear import ResizeBilinear
from tinycomp.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.tile import Tile
from tinycomp.ops.transpose import Transpose

Lowering = Callable[[KerasLayer, Sequence[str], GraphBuilder], str]


def _average(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A sum, times 1 / n."""
    total = merge(Add(), replace(layer, name=f"{layer.name}/sum"), inputs, builder)
    return scaled(layer.name, total, 1 / len(inputs), 0.0, builder)


def _center_crop(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """The middle of an image; of an odd rest, the smaller half lies before it."""
    shape = builder.tensors[inputs[0]].shape
    rests = [
        size - int(layer.config[key]) for size, key in zip(shape, ("height", "width"), strict=False)
    ]
    if min(rests) < 0:
        what = f"enlarges an image of {shape[0]} x {shape[1]}"
        raise refusal(layer, what, expected="Expected a part of it.", hint="Use Resizing.")
    ends = [(rest // 2, rest - rest // 2) for rest in rests]
    return builder.add(StridedSlice.cropping(shape, (*ends, (0, 0))), inputs, layer.name)


def _permute(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A reshape, if only axes of length 1 move. Keras counts the batch as axis 0."""
    shape = builder.tensors[inputs[0]].shape
    order = tuple(int(axis) - 1 for axis in layer.config["dims"])
    longer = [axis for axis in order if shape[axis] > 1]
    op = Transpose(order)
    if longer == sorted(longer):
        return builder.add(Reshape(op.infer_shape([shape])), inputs, layer.name)
    return builder.add(op, inputs, layer.name)


def _repeat_vector(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A vector as n rows."""
    (size,) = builder.tensors[inputs[0]].shape
    row = builder.add(Reshape((1, size)), inputs, f"{layer.name}/row")
    return builder.add(Tile((int(layer.config["n"]), 1)), [row], layer.name)


def _resized(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """To a height and width, or to multiples of the input's: the nearest cell, or means of
    neighbours.
    """
    kinds: Mapping[str, type[ResizeBilinear | ResizeNearestNeighbor]] = {
        "bilinear": ResizeBilinear,
        "nearest": ResizeNearestNeighbor,
    }
    kind = layer.config.get("interpolation", "nearest")
    if kind not in kinds:
        what = f"has interpolation={kind!r}"
        raise refusal(layer, what, expected="Expected 'nearest' or 'bilinear'.")
    if layer.class_name == "Resizing":
        for option in ("antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio"):
            if layer.config.get(option):
                raise refusal(layer, f"has {option}=True", expected="Expected False.")
        size = (int(layer.config["height"]), int(layer.config["width"]))
    else:
        height, width, _ = builder.tensors[inputs[0]].shape
        down, right = pair(layer.config["size"])
        size = (height * down, width * right)
    return builder.add(kinds[kind](size, half_pixel_centers=True), inputs, layer.name)


def _softmax(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Along the last axis that is longer than 1."""
    shape = builder.tensors[inputs[0]].shape
    axis = layer.config.get("axis", -1)
    axes = axis if isinstance(axis, list | tuple) else [axis]
    # Keras counts the batch.
    found = sorted(each - 1 if each >= 0 else each + len(shape) for each in axes)
    first = found[0] if found else -1
    behind = [place for place in range(max(first, 0), len(shape)) if shape[place] > 1]
    if first < 0 or not set(behind) <= set(found):
        what = f"works along axis {axis} of {shape}"
        raise refusal(layer, what, expected="Expected the last.")
    if first == len(shape) - 1:
        return builder.add(Softmax(), inputs, layer.name)
    flat = (*shape[:first], math.prod(shape[first:]))
    vectors = builder.add(Reshape(flat), inputs, f"{layer.name}/vectors")
    result = builder.add(Softmax(), [vectors], f"{layer.name}/softmax")
    return builder.add(Reshape(shape), [result], layer.name)


def _categories(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Numbers of categories as vectors with a 1 at that place: rows of a table. Of several numbers
    their maximum or sum.

    Raises:
        ModelError: the input has several axes.
    """
    shape, (depth, mode) = builder.tensors[inputs[0]].shape, (
        int(layer.config["num_tokens"]), layer.config["output_mode"],
    )  # fmt: skip
    if len(shape) != 1:
        raise refusal(layer, f"reads numbers of shape {shape}", expected="Expected one axis.")
    table = builder.constant(f"{layer.name}/table", np.eye(depth, dtype=np.float32))
    alone = shape == (1,)
    name = layer.name if mode == "one_hot" and not alone else f"{layer.name}/rows"
    rows = builder.add(Embedding(), [inputs[0], table], name)
    if alone:
        return builder.add(Reshape((depth,)), [rows], layer.name)
    if mode == "one_hot":
        return rows
    if mode != "count":
        return builder.add(ReduceMax.over((0,), 2), [rows], layer.name)
    mean = builder.add(Mean.over((0,), 2), [rows], f"{layer.name}/mean")
    return scaled(layer.name, mean, float(shape[0]), 0.0, builder)


JOINS: Mapping[str, Lowering] = {
    "Average": _average,
    "CategoryEncoding": _categories,
    "CenterCrop": _center_crop,
    "Permute": _permute,
    "RepeatVector": _repeat_vector,
    "Resizing": _resized,
    "Softmax": _softmax,
    "UpSampling2D": _resized,
}
"""By class name."""
