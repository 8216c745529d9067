"""Normalization by the mean and variance of the values themselves: of each vector, of groups of
channels, or of everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops._keras import merge, refusal, weight
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.root import Root
from tinycomp.ops.squared_difference import SquaredDifference
from tinycomp.ops.subtract import Subtract
from tinycomp.ops.tile import Tile
from tinycomp.ops.transpose import Transpose

Average = Callable[[str, str], str]
"""From a tensor and the name of a part to its mean, in a shape that the tensor can be joined to."""


def _layer_normalization(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Of each vector of channels, or along another axis, or of all values together; then a factor
    and an offset for each channel, or value.
    """
    (x,) = inputs
    shape = builder.tensors[x].shape
    rank = len(shape)
    axis, scaling = layer.config.get("axis", -1), bool(layer.config.get("rms_scaling"))
    given = axis if isinstance(axis, list | tuple) else [axis]
    axes = sorted(each % (rank + 1) for each in given)
    if not scaling and len(axes) == 1 and 0 < axes[0] < rank:
        return _along_axis(layer, x, axes[0] - 1, builder)
    if scaling or axes not in ([rank], list(range(1, rank + 1))):
        what = f"normalizes axis {axis}" + ", with rms_scaling" * scaling
        expected = "Expected one axis but the batch, or all, without rms_scaling."
        raise refusal(layer, what, expected=expected)
    if len(axes) == rank > 1:
        normal = _normal(layer, x, _over_groups(layer, shape, 1, builder), builder)
        return _weighted_values(layer, normal, builder)
    return _weighted(
        layer, _normal(layer, x, _over_vectors(layer, rank, builder), builder), builder
    )


def _along_axis(layer: KerasLayer, x: str, axis: int, builder: GraphBuilder) -> str:
    """With the axis (the batch not counted) as the last one, and back."""
    rank = len(builder.tensors[x].shape)
    order = (*(each for each in range(rank) if each != axis), axis)
    turned = builder.add(Transpose(order), [x], f"{layer.name}/turned")
    inner = replace(_part(layer, "along_last"), config={**layer.config, "axis": -1})
    normal = _layer_normalization(inner, [turned], builder)
    back = tuple(order.index(each) for each in range(rank))
    return builder.add(Transpose(back), [normal], layer.name)


def _group_normalization(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Of groups of channels, over all positions; as many groups as channels if groups is -1."""
    (x,) = inputs
    shape = builder.tensors[x].shape
    axis, groups = layer.config.get("axis", -1), int(layer.config.get("groups", 32))
    groups = shape[-1] if groups == -1 else groups
    if axis not in (-1, len(shape)) or groups < 1 or shape[-1] % groups:
        what = f"normalizes {groups} groups along axis {axis} of {shape}"
        expected = "Expected the last axis, and groups of as many channels each."
        raise refusal(layer, what, expected=expected)
    normal = _normal(layer, x, _over_groups(layer, shape, groups, builder), builder)
    return _weighted(layer, normal, builder)


def _rms_normalization(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Each vector of channels by the root of its mean square, then a factor for each channel."""
    (x,) = inputs
    rank, axis = len(builder.tensors[x].shape), layer.config.get("axis", -1)
    if axis not in (-1, rank, [-1], [rank]):
        raise refusal(layer, f"normalizes axis {axis}", expected="Expected the last.")
    squares = builder.add(Mul(), [x, x], f"{layer.name}/squares")
    mean = _over_vectors(layer, rank, builder)(squares, "mean")
    normal = merge(Mul(), _part(layer, "normal"), [x, _inverse(layer, mean, builder)], builder)
    factors = replace(layer, weights={"gamma": layer.weights["scale"]})
    return _weighted(factors, normal, builder)


def _normal(layer: KerasLayer, x: str, average: Average, builder: GraphBuilder) -> str:
    """(x - mean) / sqrt(variance + epsilon)."""
    mean = average(x, "mean")
    squares = merge(SquaredDifference(), _part(layer, "squares"), [x, mean], builder)
    factor = _inverse(layer, average(squares, "variance"), builder)
    centred = merge(Subtract(), _part(layer, "centred"), [x, mean], builder)
    return merge(Mul(), _part(layer, "normal"), [centred, factor], builder)


def _inverse(layer: KerasLayer, variance: str, builder: GraphBuilder) -> str:
    """1 / sqrt(variance + epsilon)."""
    epsilon = builder.constant(
        f"{layer.name}/epsilon", np.array([layer.config.get("epsilon", 1e-3)], np.float32)
    )
    positive = builder.add(AddConstant(), [variance, epsilon], f"{layer.name}/positive")
    return builder.add(Root(True), [positive], f"{layer.name}/factor")


def _over_vectors(layer: KerasLayer, rank: int, builder: GraphBuilder) -> Average:
    over = Mean.over((rank - 1,), rank, keep_dims=True)
    return lambda x, part: builder.add(over, [x], f"{layer.name}/{part}")


def _over_groups(
    layer: KerasLayer, shape: tuple[int, ...], groups: int, builder: GraphBuilder
) -> Average:
    """Over positions, then over the channels of a group; repeated for each of its channels."""
    each, places = shape[-1] // groups, math.prod(shape[:-1])

    def average(x: str, part: str) -> str:
        def add(op: Operator, source: str, what: str) -> str:
            return builder.add(op, [source], f"{layer.name}/{part}/{what}")

        found = add(Reshape((places, groups, each)), x, "groups")
        if places > 1:
            found = add(Mean.over((0,), 3), found, "positions")
        if each > 1:
            found = add(Reshape((groups, each)), found, "channels")
            found = add(Mean.over((1,), 2, keep_dims=True), found, "group")
            found = add(Tile((1, each)), found, "repeated")
        return add(Reshape((*(1,) * (len(shape) - 1), shape[-1])), found, "whole")

    return average


def _part(layer: KerasLayer, name: str) -> KerasLayer:
    return replace(layer, name=f"{layer.name}/{name}")


def _constants(layer: KerasLayer, shape: tuple[int, ...]) -> dict[str, Array]:
    """Factors and offsets, which a layer may lack."""
    found = {"gamma": np.ones(shape), "beta": np.zeros(shape)}
    return {
        name: np.asarray(layer.weights.get(name, values), np.float64)
        for name, values in found.items()
    }


def _weighted(layer: KerasLayer, normal: str, builder: GraphBuilder) -> str:
    """A factor and an offset for each channel."""
    known = _constants(layer, builder.tensors[normal].shape[-1:])
    constants = [weight(builder, layer, name, values) for name, values in known.items()]
    return builder.add(BatchNormalization(), [normal, *constants], layer.name)


def _weighted_values(layer: KerasLayer, normal: str, builder: GraphBuilder) -> str:
    """A factor and an offset for each value."""
    known = _constants(layer, builder.tensors[normal].shape)
    gamma, beta = (
        weight(builder, layer, name, values.astype(np.float32)) for name, values in known.items()
    )
    product = builder.add(Mul(), [normal, gamma], f"{layer.name}/product")
    return builder.add(AddConstant(), [product, beta], layer.name)


NORMALIZATIONS: Mapping[str, Callable[[KerasLayer, Sequence[str], GraphBuilder], str]] = {
    "GroupNormalization": _group_normalization,
    "LayerNormalization": _layer_normalization,
    "RMSNormalization": _rms_normalization,
}
"""By class name."""
