"""Attention and products of tensors, as several operators."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinycomp.frontend._keras_masks import MASKS
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops._keras import merge, refusal, weight
from tinycomp.ops.add import Add
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.batch_normalization import scaled
from tinycomp.ops.extremum import Extremum
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.l2_normalization import L2Normalization
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.tanh import Tanh
from tinycomp.ops.tile import Tile
from tinycomp.ops.transpose import Transpose

_HEADS_FIRST = Transpose((1, 0, 2))
"""(time, heads, values) as (heads, time, values), and back."""
_NEVER = -1e9
"""Added to the scores of keys behind the query, as by Keras; quantization adds what fits the scores
(quantization/masks.py).
"""


def _attention(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """softmax(queries * keys) * values, for each head; the last layer joins the heads.

    Inputs are (time, channels), or images whose places are the steps: query, value and perhaps key,
    as Keras orders them.
    """
    shape = layer.config["output_shape"]
    if isinstance(shape, list) and len(shape) > 1:
        raise refusal(layer, f"has output_shape={shape}", expected="Expected one number.")
    images = builder.tensors[inputs[0]].shape
    query, value, key = _query_value_key(layer, inputs, builder)
    scale = 1 / math.sqrt(layer.config["key_dim"])
    queries = _heads(layer, "query", query, builder, scale)
    keys = _heads(layer, "key", key, builder)
    values = _heads(layer, "value", value, builder)
    scores = builder.add(BatchMatmul(False, True), [queries, keys], f"{layer.name}/scores")
    shares = _shares(layer, scores, builder, queries_too=True)
    mixed = builder.add(BatchMatmul(), [shares, values], f"{layer.name}/mixed")
    turned = builder.add(_HEADS_FIRST, [mixed], f"{layer.name}/turned")
    kernel = layer.weights["attention_output/kernel"]
    length = builder.tensors[turned].shape[0]
    flat = builder.add(Reshape((length, kernel[..., 0].size)), [turned], f"{layer.name}/joined")
    matrix = kernel.reshape(-1, kernel.shape[-1])
    if len(images) == 2:
        return _dense(layer, "attention_output", flat, matrix, builder, layer.name)
    rows = _dense(layer, "attention_output", flat, matrix, builder, f"{layer.name}/rows")
    return builder.add(Reshape((*images[:-1], kernel.shape[-1])), [rows], layer.name)


def _query_value_key(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder
) -> tuple[str, str, str]:
    """The inputs as (time, channels); the key is the value if it is left out."""
    shapes = [builder.tensors[name].shape for name in inputs]
    axes = layer.config.get("attention_axes")
    whole = list(range(1, len(shapes[0])))
    if len({len(shape) for shape in shapes}) > 1 or len(shapes[0]) < 2 or len(inputs) not in (2, 3):
        raise refusal(
            layer, f"reads tensors of shapes {shapes}", expected="Expected two or three axes each."
        )
    if axes is not None and ([axes] if isinstance(axes, int) else list(axes)) != whole:
        raise refusal(
            layer,
            f"has attention_axes={axes}",
            expected=f"Expected None, or {whole}: all places.",
            hint="Build the model again without attention_axes, and train it.",
        )
    found = [
        name
        if len(shape) == 2
        else builder.add(
            Reshape((math.prod(shape[:-1]), shape[-1])), [name], f"{layer.name}/{part}/places"
        )
        for part, name, shape in zip(("query", "value", "key"), inputs, shapes, strict=False)
    ]
    return found[0], found[1], found[2] if len(found) > 2 else found[1]


def _shares(
    layer: KerasLayer, scores: str, builder: GraphBuilder, queries_too: bool = False
) -> str:
    """The softmax of scores (..., queries, keys); with use_causal_mask=True of those keys that are
    not behind the query, with masks of those that count.

    Args:
        layer: perhaps with masks.
        scores: the name of the scores.
        builder: receives the nodes.
        queries_too: whether a query that does not count gives all keys the same share.
    """
    shape = builder.tensors[scores].shape[-2:]
    visible = _visible(layer, shape)
    pairs = _pairs(layer, shape, visible, queries_too, builder)
    if pairs is not None:
        scores = _bounded(layer, scores, pairs, builder)
    elif visible is not None:
        hidden = np.where(visible, 0.0, _NEVER).astype(np.float32)
        mask = builder.constant(f"{layer.name}/mask", hidden)
        scores = builder.add(AddConstant(), [scores, mask], f"{layer.name}/masked")
    return builder.add(Softmax(), [scores], f"{layer.name}/softmax")


def _visible(layer: KerasLayer, shape: Shape) -> Array | None:
    """Which keys each query sees by use_causal_mask=True and a constant attention_mask, bool
    (queries, keys); None for all.

    Raises:
        ModelError: the mask has another shape.
    """
    given = layer.config.get("visible")
    found: Array = np.ones(shape, bool)
    if layer.config.get("causal"):
        found = np.tril(found)
    if given is not None:
        mask = np.asarray(given) != 0
        sizes = mask.shape[-2:]
        if mask.size != np.prod(sizes) or sizes not in ((1, shape[1]), shape):
            raise refusal(
                layer,
                f"has an attention_mask of shape {mask.shape}",
                expected=f"Expected (1, {shape[0]}, {shape[1]}), the same for all heads.",
            )
        found = found & mask.reshape(sizes)
    return None if found.all() else found


def _pairs(
    layer: KerasLayer,
    shape: Shape,
    visible: Array | None,
    queries_too: bool,
    builder: GraphBuilder,
) -> str | None:
    """1 where a query sees a key, else 0, (queries, keys) or (1, keys); None without masks."""
    query, *others = layer.config.get(MASKS, (None, None))
    of_keys = list(dict.fromkeys(each for each in others if each))
    if not queries_too:
        query, of_keys = None, of_keys[:1] if others[0] else []
    length = shape[1]
    rows = [
        builder.add(Reshape((1, length)), [each], f"{layer.name}/keys_{place}")
        for place, each in enumerate(of_keys)
    ]
    if not rows and query is None:
        return None
    found = rows[0] if rows else None
    if len(rows) > 1:
        found = builder.add(Mul(), rows, f"{layer.name}/keys")
    if query is not None:
        sides = [query, found] if found else [query]
        op = BatchMatmul() if found else Tile((1, length))
        found = builder.add(op, sides, f"{layer.name}/pairs")
    assert found is not None
    if visible is not None:
        seen = weight(builder, layer, "seen", visible.astype(np.float32))
        if query is None:
            found = builder.add(Tile((shape[0], 1)), [found], f"{layer.name}/repeated")
        found = builder.add(Mul(), [found, seen], f"{layer.name}/seen")
    return found


def _bounded(layer: KerasLayer, scores: str, pairs: str, builder: GraphBuilder) -> str:
    """Scores far below zero for pairs that are 0: the smaller of the score and a bound."""
    factor, offset = (
        weight(builder, layer, name, np.full(1, value, np.float32))
        for name, value in (("bound_range", -2 * _NEVER), ("least_bound", _NEVER))
    )
    spread = builder.add(Mul(), [pairs, factor], f"{layer.name}/spread")
    bound = builder.add(AddConstant(), [spread, offset], f"{layer.name}/bound")
    seen = builder.tensors[bound].shape
    heads = builder.tensors[scores].shape[:-2]
    if heads:
        bound = builder.add(Reshape((1, *seen)), [bound], f"{layer.name}/bounds")
    part = replace(layer, name=f"{layer.name}/masked")
    return merge(Extremum(False), part, [scores, bound], builder)


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


def _plain_attention(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """softmax(query * key) * value without heads (Attention), or with the scores of Bahdanau
    (AdditiveAttention): sums of tanh(query + key), each value with a factor.
    """
    query, value, key = _query_value_key(layer, inputs, builder)
    factors = layer.weights.get("scale")
    concat = layer.config.get("score_mode") == "concat"
    if concat and factors is not None:
        raise refusal(layer, "has use_scale=True and score_mode='concat'", expected="Expected one.")
    if concat:
        factors = np.full(1, layer.weights["concat_score_weight"], np.float32)
    if layer.class_name == "AdditiveAttention" or concat:
        scores = _additive_scores(layer, query, key, factors, builder)
    else:
        scores = builder.add(BatchMatmul(False, True), [query, key], f"{layer.name}/scores")
        if factors is not None:
            scale = float(factors.reshape(-1)[0])
            scores = scaled(f"{layer.name}/scaled", scores, scale, 0.0, builder)
    shares = _shares(layer, scores, builder)
    mask = layer.config.get(MASKS, (None,))[0]
    if mask is None:
        return builder.add(BatchMatmul(), [shares, value], layer.name)
    mixed = builder.add(BatchMatmul(), [shares, value], f"{layer.name}/mixed")
    return merge(Mul(), layer, [mixed, mask], builder)


def _additive_scores(
    layer: KerasLayer, query: str, key: str, factors: Array | None, builder: GraphBuilder
) -> str:
    """The sum of tanh(query + key) over the channels, for each pair: (queries, keys)."""
    (queries, channels), (keys, _) = (builder.tensors[name].shape for name in (query, key))
    shapes = (queries, 1, channels), (1, keys, channels)
    parts = [
        builder.add(Reshape(shape), [name], f"{layer.name}/{part}/pairs")
        for part, name, shape in zip(("query", "key"), (query, key), shapes, strict=True)
    ]
    pairs = merge(Add(), replace(layer, name=f"{layer.name}/sums"), parts, builder)
    bent = builder.add(Tanh(), [pairs], f"{layer.name}/tanh")
    each = np.ones(1) if factors is None else factors.astype(np.float64)
    bent = scaled(f"{layer.name}/weighted", bent, each * channels, 0.0, builder)
    return builder.add(Mean.over((2,), 3), [bent], f"{layer.name}/scores")


def _dot(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Products of vectors, or of matrices. Keras counts the batch as axis 0."""
    shapes = [builder.tensors[name].shape for name in inputs]
    axes = layer.config["axes"]
    pair_of = (axes, axes) if isinstance(axes, int) else tuple(axes)
    places = [
        axis - 1 if axis > 0 else axis + len(shape)
        for axis, shape in zip(pair_of, shapes, strict=True)
    ]
    normalize = bool(layer.config.get("normalize"))
    last = all(place == len(shape) - 1 for place, shape in zip(places, shapes, strict=True))
    if any(len(shape) not in (1, 2) for shape in shapes) or (normalize and not last):
        what = f"joins the axes {axes} of shapes {shapes[0]} and {shapes[1]}" + (
            ", normalized" if normalize else ""
        )
        raise refusal(layer, what, expected="Expected one or two axes each; normalized, the last.")
    rows = []
    for part, name, shape in zip(("first", "second"), inputs, shapes, strict=True):
        found = name
        if normalize:
            found = builder.add(L2Normalization(), [found], f"{layer.name}/{part}/unit")
        if len(shape) == 1:
            found = builder.add(Reshape((1, *shape)), [found], f"{layer.name}/{part}/row")
        rows.append(found)
    turned = [place == 0 and len(shape) == 2 for place, shape in zip(places, shapes, strict=True)]
    kept = tuple(
        shape[1 - place] for place, shape in zip(places, shapes, strict=True) if len(shape) == 2
    )
    op = BatchMatmul(turned[0], not turned[1])
    if len(kept) == 2:
        return builder.add(op, rows, layer.name)
    product = builder.add(op, rows, f"{layer.name}/product")
    return builder.add(Reshape(kept or (1,)), [product], layer.name)


def _einsum_dense(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A dense layer over the last axes, with any number of axes for its units."""
    kernel, (x,) = layer.weights["kernel"], inputs
    shape = builder.tensors[x].shape
    source, _, rest = layer.config["equation"].replace(" ", "").partition(",")
    axes, _, result = rest.partition("->")
    summed = "".join(axis for axis in axes if axis not in result)
    units = axes[len(summed) :]
    stem = source.removesuffix(summed)
    bias = layer.config.get("bias_axes") or units
    if axes != summed + units or not source.endswith(summed) or result != stem + units:
        raise refusal(
            layer, f"has equation={layer.config['equation']!r}",
            expected="Expected a sum over the input's last axes, and the units last: abc,cd->abd.",
        )  # fmt: skip
    if bias != units[len(units) - len(bias) :]:
        raise refusal(layer, f"has bias_axes={bias!r}", expected=f"Expected {units!r}, or its end.")
    width = math.prod(kernel.shape[: len(summed)])
    matrix = kernel.reshape(width, -1)
    outer = shape[: len(shape) - len(summed)]
    flat = builder.add(Reshape((*outer, width)), [x], f"{layer.name}/flat")
    offsets = layer.weights.get("bias")
    if offsets is not None:
        spread = np.broadcast_to(offsets, kernel.shape[len(summed) :]).reshape(-1)
        layer = replace(layer, weights={"kernel": kernel, "whole/bias": spread})
    rows = _dense(layer, "whole", flat, matrix, builder, f"{layer.name}/units")
    return builder.add(Reshape((*outer, *kernel.shape[len(summed) :])), [rows], layer.name)


ATTENTION: Mapping[str, Callable[[KerasLayer, Sequence[str], GraphBuilder], str]] = {
    "AdditiveAttention": _plain_attention,
    "Attention": _plain_attention,
    "Dot": _dot,
    "EinsumDense": _einsum_dense,
    "MultiHeadAttention": _attention,
}
"""By class name."""
