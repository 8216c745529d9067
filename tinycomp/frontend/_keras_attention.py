"""Attention, products of tensors and normalization of each vector, as several operators."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ir.tensor import Array
from tinycomp.ops._keras import merge, refusal, weight
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.root import Root
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.squared_difference import SquaredDifference
from tinycomp.ops.subtract import Subtract
from tinycomp.ops.transpose import Transpose

_HEADS_FIRST = Transpose((1, 0, 2))
"""(time, heads, values) as (heads, time, values), and back."""


def _attention(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """softmax(queries * keys) * values, for each head; the last layer joins the heads.

    Inputs are (time, channels): query, value and perhaps key, as Keras orders them.
    """
    query, value = inputs[0], inputs[1]
    key = inputs[2] if len(inputs) > 2 else value
    if any(len(builder.tensors[name].shape) != 2 for name in inputs):
        shapes = [builder.tensors[name].shape for name in inputs]
        raise refusal(layer, f"reads tensors of shapes {shapes}", expected="Expected two axes.")
    shape = layer.config["output_shape"]
    if isinstance(shape, list) and len(shape) > 1:
        raise refusal(layer, f"has output_shape={shape}", expected="Expected one number.")
    scale = 1 / math.sqrt(layer.config["key_dim"])
    queries = _heads(layer, "query", query, builder, scale)
    keys = _heads(layer, "key", key, builder)
    values = _heads(layer, "value", value, builder)
    scores = builder.add(BatchMatmul(False, True), [queries, keys], f"{layer.name}/scores")
    shares = builder.add(Softmax(), [scores], f"{layer.name}/softmax")
    mixed = builder.add(BatchMatmul(), [shares, values], f"{layer.name}/mixed")
    turned = builder.add(_HEADS_FIRST, [mixed], f"{layer.name}/turned")
    kernel = layer.weights["attention_output/kernel"]
    length = builder.tensors[turned].shape[0]
    flat = builder.add(Reshape((length, kernel[..., 0].size)), [turned], f"{layer.name}/joined")
    return _dense(
        layer, "attention_output", flat, kernel.reshape(-1, kernel.shape[-1]), builder, layer.name
    )


def _heads(layer: KerasLayer, part: str, x: str, builder: GraphBuilder, scale: float = 1.0) -> str:
    """(heads, time, values): a dense layer of (time, channels), with a factor."""
    kernel = layer.weights[f"{part}/kernel"]
    channels, heads, length = kernel.shape
    matrix = kernel.reshape(channels, heads * length)
    rows = _dense(layer, part, x, matrix, builder, f"{layer.name}/{part}", scale)
    shape = (builder.tensors[x].shape[0], heads, length)
    split = builder.add(Reshape(shape), [rows], f"{layer.name}/{part}/split")
    return builder.add(_HEADS_FIRST, [split], f"{layer.name}/{part}/heads")


def _dense(
    layer: KerasLayer, part: str, x: str, matrix: Array, builder: GraphBuilder, name: str,
    scale: float = 1.0,
) -> str:  # fmt: skip
    """A dense layer with a kernel (in, out)."""
    known = layer.weights.get(f"{part}/bias")
    sums = np.zeros(matrix.shape[1], np.float32) if known is None else known.ravel()
    constants = [
        weight(builder, layer, f"{part}/kernel", (scale * matrix.T).astype(np.float32)),
        weight(builder, layer, f"{part}/bias", (scale * sums).astype(np.float32)),
    ]
    return builder.add(FullyConnected(), [x, *constants], name)


def _dot(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Products of vectors, or of matrices. Keras counts the batch as axis 0."""
    first, second = (builder.tensors[name].shape for name in inputs)
    axes = layer.config["axes"]
    pair_of = (axes, axes) if isinstance(axes, int) else tuple(axes)
    ranks = (len(first), len(second))
    places = [
        axis - 1 if axis > 0 else axis + rank for axis, rank in zip(pair_of, ranks, strict=True)
    ]
    if layer.config.get("normalize") or ranks not in ((1, 1), (2, 2)):
        what = f"joins shapes {first} and {second}, normalize={bool(layer.config.get('normalize'))}"
        raise refusal(layer, what, expected="Expected one or two axes each, not normalized.")
    if ranks == (2, 2):
        return builder.add(BatchMatmul(places[0] == 0, places[1] == 1), inputs, layer.name)
    rows = [
        builder.add(Reshape((1, *builder.tensors[name].shape)), [name], f"{layer.name}/row")
        for name in inputs
    ]
    product = builder.add(BatchMatmul(False, True), rows, f"{layer.name}/product")
    return builder.add(Reshape((1,)), [product], layer.name)


def _layer_normalization(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """(x - mean) / sqrt(variance + epsilon) of each vector of channels, then a factor and an offset
    for each channel.
    """
    shape = builder.tensors[inputs[0]].shape
    rank = len(shape)
    axis, scaling = layer.config.get("axis", -1), bool(layer.config.get("rms_scaling"))
    if axis not in (-1, rank, [-1], [rank]) or scaling:
        what = f"normalizes axis {axis}" + ", with rms_scaling" * scaling
        raise refusal(layer, what, expected="Expected the last, the channels, without rms_scaling.")

    def part(name: str) -> KerasLayer:
        return replace(layer, name=f"{layer.name}/{name}")

    over = Mean.over((rank - 1,), rank, keep_dims=True)
    mean = builder.add(over, inputs, f"{layer.name}/mean")
    squares = merge(SquaredDifference(), part("squares"), [inputs[0], mean], builder)
    variance = builder.add(over, [squares], f"{layer.name}/variance")
    epsilon = builder.constant(
        f"{layer.name}/epsilon", np.array([layer.config.get("epsilon", 1e-3)], np.float32)
    )
    positive = builder.add(AddConstant(), [variance, epsilon], f"{layer.name}/positive")
    factor = builder.add(Root(True), [positive], f"{layer.name}/factor")
    centred = merge(Subtract(), part("centred"), [inputs[0], mean], builder)
    normal = merge(Mul(), part("normal"), [centred, factor], builder)
    gamma = layer.weights.get("gamma", np.ones(shape[-1], np.float32))
    beta = layer.weights.get("beta", np.zeros(shape[-1], np.float32))
    constants = [
        weight(builder, layer, "gamma", gamma.astype(np.float64)),
        weight(builder, layer, "beta", beta.astype(np.float64)),
    ]
    return builder.add(BatchNormalization(), [normal, *constants], layer.name)


ATTENTION: Mapping[str, Callable[[KerasLayer, Sequence[str], GraphBuilder], str]] = {
    "Dot": _dot,
    "LayerNormalization": _layer_normalization,
    "MultiHeadAttention": _attention,
}
"""By class name."""
