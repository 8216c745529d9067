"""Reductions, softmax and normalizations of ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tinycomp.frontend._keras_normalizations import NORMALIZATIONS
from tinycomp.frontend._onnx_arithmetic import pair
from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_views import View, channels_last, inner_shape, view
from tinycomp.ir.operator import KerasLayer
from tinycomp.ops._keras import merge
from tinycomp.ops._reduction import AxesOperator, Reduction, first_axes
from tinycomp.ops.add import Add
from tinycomp.ops.arg_max import ArgMax
from tinycomp.ops.arg_min import ArgMin
from tinycomp.ops.l2_normalization import L2Normalization
from tinycomp.ops.log_softmax import LogSoftmax
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reduce_min import ReduceMin
from tinycomp.ops.root import Root
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.squared_difference import SquaredDifference
from tinycomp.ops.subtract import Subtract
from tinycomp.ops.transpose import Transpose


def _batch_normalization(call: Call) -> View:
    """The statistics of training as one factor and summand for each channel."""
    if any(isinstance(each, View) for each in call.inputs[3:5]):
        return _by_computed_statistics(call)
    scale, beta, mean, variance = (
        call.required(index, what).astype(np.float64)
        for index, what in ((1, "scale"), (2, "bias"), (3, "mean"), (4, "variance"))
    )
    if call.attribute("training_mode", 0):
        raise call.refusal("is in training mode", hint="Export the model after model.eval().")
    variance = variance + float(call.attribute("epsilon", 1e-5))
    if np.any(variance <= 0):
        raise call.refusal("has a variance below zero", hint="Train the model again.")
    factor = scale / np.sqrt(variance)
    x = call.view()
    if len(x.shape) < 2 or x.shape[1] != factor.size:
        raise call.refusal(f"normalizes {factor.size} channels of a tensor of shape {x.shape}")
    return call.scaled(_channels_behind(call, x), factor, beta - mean * factor)


def _by_computed_statistics(call: Call) -> View:
    """As converters write LayerNormalization: the model computes mean and variance."""
    x = call.view()
    shape = (1, x.shape[1], *(1 for _ in x.shape[2:]))
    mean, variance = (call.weaver.as_shape(call.view(place), shape) for place in (3, 4))
    positive = call.scaled(variance, 1.0, float(call.attribute("epsilon", 1e-5)), "positive")
    factor = call.same(Root(True), positive, "factor")
    away = pair(call, Subtract(), x, mean, "centred")
    normal = pair(call, Mul(), away, factor, "normal")
    scale, bias = (call.required(*each).reshape(shape) for each in ((1, "scale"), (2, "bias")))
    if not bias.any() and np.all(scale == 1):
        return normal
    return pair(call, Add(), pair(call, Mul(), normal, scale, "scaled"), bias, "")


def _channels_behind(call: Call, x: View) -> View:
    """The tensor with its channels last in memory, and in its shape."""
    order = channels_last(len(x.axes))
    name = call.weaver.take(x, order, inner_shape(x.shape, order))
    return view(name, x.shape, order)


def _reduced(kind: type[Reduction], squares: bool = False, whole: bool = False) -> Reader:
    def read(call: Call) -> View:
        x = call.view()
        axes, keeps = reduced_axes(call, x)
        if not axes:
            return x
        if squares:
            x = x.renamed(call.add(Mul(), [x.name, x.name], "squares"))
        if whole:
            return total(call, x, axes, keeps)
        return reduced(call, kind, x, axes, keeps, "")

    return read


def reduced_axes(call: Call, x: View) -> tuple[tuple[int, ...], bool]:
    """The axes that a node reduces, all if it names none, and whether they stay as 1s."""
    given, rank = call.listed(1, "axes"), len(x.axes)
    keeps = bool(call.attribute("keepdims", 1))
    if not given and call.attribute("noop_with_empty_axes", 0):
        return (), keeps
    return call.axes(given, rank) if given else tuple(range(rank)), keeps


def total(call: Call, x: View, axes: Sequence[int], keeps: bool, part: str = "") -> View:
    """The sum over these axes."""
    found = reduced(call, Mean, x, axes, keeps, f"{part}mean")
    return call.scaled(found, math.prod(x.shape[axis] for axis in axes), 0.0, part)


def _place(kind: type[AxesOperator]) -> Reader:
    def read(call: Call) -> View:
        """The place of an extreme; of equal values the first."""
        x = call.view()
        axes = call.axes([int(call.attribute("axis", 0))], len(x.axes))
        if call.attribute("select_last_index", 0):
            raise call.refusal("takes the last of equal values", expected="Expected the first.")
        return reduced(call, kind, x, axes, bool(call.attribute("keepdims", 1)), "")

    return read


def reduced(
    call: Call, kind: type[AxesOperator], x: View, axes: Sequence[int], keeps: bool, part: str
) -> View:
    """A reduction over ONNX's axes; those that lie apart come to the front first."""
    x, order = call.weaver.blocks(x)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    places = [axis for axis in order if axis or x.shape[0] > 1]
    gone = [place for place, axis in enumerate(places) if axis in axes and x.shape[axis] > 1]
    found = x
    if gone:
        sizes = tuple(x.shape[axis] for axis in places)
        name, turned = call.weaver.reshape(x.name, sizes), first_axes(gone, len(places))
        keep = turned is None
        if turned is not None:
            name = call.add(Transpose(turned), [name], f"{part}turned")
            gone = list(range(len(gone)))
        name = call.add(kind.over(gone, len(places), keep), [name], part)
        found = view(call.weaver.reshape(name, inner_shape(shape, order)), shape, order)
    kept = [axis for axis in range(len(shape)) if keeps or axis not in axes]
    return View(found.name, tuple(found.axes[axis] for axis in kept), found.order)


def _softmax(op: Softmax | LogSoftmax) -> Reader:
    def read(call: Call) -> View:
        """Before opset 13 all axes from the given one on are one vector."""
        x = call.view()
        rank = len(x.axes)
        if call.opset >= 13:
            (axis,) = call.axes([int(call.attribute("axis", -1))], rank)
            together = [axis]
        else:
            (first,) = call.axes([int(call.attribute("axis", 1))], rank)
            together = list(range(first, rank))
        long = [axis for axis in together if x.shape[axis] > 1]
        if len(long) > 1:
            order = tuple(range(rank))
            length = math.prod(x.shape[axis] for axis in together)
            outer = math.prod(x.shape[: together[0]])
            name = call.weaver.take(x, order, (length,) if outer == 1 else (outer, length))
        else:
            axis = long[0] if long else together[-1]
            known = x.axis_order() or tuple(range(rank))
            order = (*(each for each in known if each != axis), axis)
            name = call.weaver.take(x, order, inner_shape(x.shape, order))
        result = call.add(op, [name])
        return view(call.weaver.reshape(result, inner_shape(x.shape, order)), x.shape, order)

    return read


def _unit_vectors(call: Call) -> View:
    """Divided by their length."""
    x = call.view()
    (axis,) = call.axes([int(call.attribute("axis", -1))], len(x.axes))
    if call.attribute("p", 2) != 2:
        raise call.refusal(
            "divides by sums of values", expected="Expected lengths of vectors: p=2."
        )
    order = (*(each for each in range(len(x.axes)) if each != axis), axis)
    name = call.weaver.take(x, order, inner_shape(x.shape, order))
    result = call.add(L2Normalization(), [name])
    return view(call.weaver.reshape(result, inner_shape(x.shape, order)), x.shape, order)


def _layer_normalization(call: Call) -> View:
    x = call.view()
    (axis,) = call.axes([int(call.attribute("axis", -1))], len(x.shape))
    if axis != len(x.shape) - 1:
        return _whole_normalization(call, x, tuple(range(axis, len(x.shape))))
    weights = {"gamma": call.required(1, "scale").ravel()}
    beta = call.constant(2, "a bias")
    if beta is not None:
        weights["beta"] = beta.ravel()
    order = tuple(range(len(x.shape)))
    name = call.weaver.take(x, order, inner_shape(x.shape, order))
    layer = call.layer(
        "LayerNormalization", weights, epsilon=float(call.attribute("epsilon", 1e-5)), axis=-1
    )
    return view(NORMALIZATIONS["LayerNormalization"](layer, [name], call.weaver.builder), x.shape)


def _whole_normalization(call: Call, x: View, axes: Sequence[int]) -> View:
    """Over several axes, with a factor and a summand for each of their cells."""
    normal = centred(call, x, axes)
    bias = call.constant(2, "a bias")
    found = pair(call, Mul(), normal, call.required(1, "scale"), "" if bias is None else "scaled")
    return found if bias is None else pair(call, Add(), found, bias, "")


def _instance_normalization(call: Call) -> View:
    """Each channel by its own mean and variance over all places."""
    x = _channels_behind(call, call.view())
    scale, bias = call.required(1, "scale"), call.required(2, "bias")
    return call.scaled(centred(call, x, tuple(range(2, len(x.axes)))), scale, bias)


def _group_normalization(call: Call) -> View:
    """Each group of channels by its own mean and variance; a factor and summand a channel."""
    x, groups = call.view(), int(call.attribute("num_groups", 1))
    channels = x.shape[1]
    scale, bias = call.required(1, "scale"), call.required(2, "bias")
    if scale.size == groups != channels:  # opset 18
        scale, bias = (each.repeat(channels // groups) for each in (scale, bias))
    parts = call.weaver.as_shape(x, (x.shape[0], groups, channels // groups, *x.shape[2:]))
    normal = centred(call, parts, tuple(range(2, len(parts.axes))))
    whole = _channels_behind(call, call.weaver.as_shape(normal, x.shape))
    return call.scaled(whole, scale, bias)


def centred(call: Call, x: View, axes: Sequence[int], least: float = 1e-5) -> View:
    """(x - mean) / sqrt(variance + epsilon) over these axes; `least` is the default epsilon."""
    x, order = call.weaver.blocks(x)
    builder, shape = call.weaver.builder, call.weaver.shape(x.name)

    def over(source: View, part: str) -> str:
        found = reduced(call, Mean, source, axes, True, part)
        return call.weaver.reshape(found.name, inner_shape(found.shape, order))

    def layer(part: str) -> KerasLayer:
        return KerasLayer(call.part(part), call.node.kind, {}, {})

    mean = over(x, "mean")
    squares = merge(SquaredDifference(), layer("squares"), [x.name, mean], builder)
    variance = over(x.renamed(squares), "variance")
    small = x.renamed(variance)
    positive = call.scaled(small, 1.0, float(call.attribute("epsilon", least)), "positive")
    factor = call.add(Root(True), [positive.name], "factor")
    centred = merge(Subtract(), layer("centred"), [x.name, mean], builder)
    normal = merge(Mul(), layer("normal"), [centred, factor], builder)
    return x.renamed(call.weaver.reshape(normal, shape))


REDUCTIONS: Mapping[str, Reader] = {
    "ArgMax": _place(ArgMax),
    "ArgMin": _place(ArgMin),
    "BatchNormalization": _batch_normalization,
    "GroupNormalization": _group_normalization,
    "InstanceNormalization": _instance_normalization,
    "LayerNormalization": _layer_normalization,
    "LpNormalization": _unit_vectors,
    "LogSoftmax": _softmax(LogSoftmax()),
    "ReduceMax": _reduced(ReduceMax),
    "ReduceMean": _reduced(Mean),
    "ReduceMin": _reduced(ReduceMin),
    "ReduceSum": _reduced(Mean, whole=True),
    "ReduceSumSquare": _reduced(Mean, squares=True, whole=True),
    "Softmax": _softmax(Softmax()),
}
"""By operator."""
