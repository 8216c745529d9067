"""Functions of one value, and arithmetic of two tensors or a tensor and constants, of ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tinycomp.frontend._clipping import clipped
from tinycomp.frontend._onnx_call import Call, Reader, Value
from tinycomp.frontend._onnx_views import View, inner_shape, view
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops._broadcast import repetition
from tinycomp.ops._keras import merge
from tinycomp.ops.absolute import Absolute
from tinycomp.ops.add import Add
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.elu import Elu
from tinycomp.ops.exp import Exp
from tinycomp.ops.extremum import Extremum
from tinycomp.ops.function import Function
from tinycomp.ops.gelu import Gelu
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.logarithm import Logarithm
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.mul import Mul
from tinycomp.ops.prelu import Prelu
from tinycomp.ops.relu import Relu
from tinycomp.ops.root import Root
from tinycomp.ops.subtract import Subtract
from tinycomp.ops.tanh import Tanh

_BLOCKED = 1e9
"""In place of infinities in masks of scores, which make NaN of zero."""


def _function(op: Operator) -> Reader:
    return lambda call: call.same(op, call.view())


def _rounded(kind: str) -> Reader:
    return lambda call: call.whole(call.same(Function(kind), call.view()))


def _relu(call: Call) -> View:
    return call.same(Relu(), call.view())


def _leaky(call: Call) -> View:
    return call.same(LeakyRelu(float(call.attribute("alpha", 0.01))), call.view())


def _elu(call: Call) -> View:
    return call.same(Elu(float(call.attribute("alpha", 1.0))), call.view())


def _gelu(call: Call) -> View:
    return call.same(Gelu(call.attribute("approximate", "none") == "tanh"), call.view())


def _selu(call: Call) -> View:
    """With the constants of the paper, which are ONNX's defaults."""
    alpha, gamma = call.attribute("alpha", 1.6732632), call.attribute("gamma", 1.050701)
    if abs(alpha - 1.6732632) > 1e-4 or abs(gamma - 1.050701) > 1e-4:
        curve = call.same(Elu(float(alpha)), call.view(), "elu")
        return call.scaled(curve, float(gamma), 0.0)
    return call.same(Function("selu"), call.view())


def _celu(call: Call) -> View:
    """An ELU of x / alpha, times alpha."""
    alpha = float(call.attribute("alpha", 1.0))
    curve = call.same(Elu(1.0), call.scaled(call.view(), 1 / alpha, 0.0, "steep"), "elu")
    return call.scaled(curve, alpha, 0.0)


def _swish(call: Call) -> View:
    """x * sigmoid(alpha * x)."""
    alpha = float(call.attribute("alpha", 1.0))
    curve = call.same(Function("silu"), call.scaled(call.view(), alpha, 0.0, "steep"), "silu")
    return call.scaled(curve, 1 / alpha, 0.0)


def _hard_sigmoid(call: Call) -> View:
    """max(0, min(1, alpha * x + beta))."""
    alpha, beta = float(call.attribute("alpha", 0.2)), float(call.attribute("beta", 0.5))
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return call.same(Function("hard_sigmoid"), call.view())
    return call.same(Relu(1.0), call.scaled(call.view(), alpha, beta, "line"))


def _clip(call: Call) -> View:
    """Bounds that are no ReLU's are shifted to zero and back."""
    x = call.view()
    low, high = _bound(call, 1, "min", -math.inf), _bound(call, 2, "max", math.inf)
    if low >= high:
        raise call.refusal(
            f"clips to {low} and {high}", expected="Expected a lower bound below the upper."
        )
    return x.renamed(clipped(call.name, x.name, low, high, call.weaver.builder))


def _bound(call: Call, index: int, name: str, default: float) -> float:
    """An attribute before opset 11, an input since; float32's ends are no bounds."""
    value = call.attribute(name)
    if value is None:
        known = call.constant(index, f"a bound {name!r}")
        value = default if known is None else known.reshape(-1)[0]
    return default if abs(float(value)) >= 3e38 else float(value)


def _prelu(call: Call) -> View:
    """One slope for all values, for each channel, or for each value."""
    x, slopes = call.view(), call.required(1, "slopes")
    if slopes.size == 1:
        return call.same(LeakyRelu(float(slopes.reshape(-1)[0])), x)
    x, order = call.weaver.blocks(x)
    return x.renamed(call.add(Prelu(), [x.name, _constant(call, slopes, x.shape, order, "slopes")]))


def _constant(call: Call, values: Array, shape: Shape, order: Sequence[int], part: str) -> str:
    """A constant beside a tensor of that shape: it has the last axes in memory, or all."""
    whole = values.reshape((1,) * (len(shape) - values.ndim) + values.shape)
    turned = whole.transpose(order).reshape(inner_shape(whole.shape, order))
    wide = inner_shape(shape, order)
    inner = turned.reshape([*_without_ones(turned.shape)] or [1])
    if inner.shape != wide[len(wide) - inner.ndim :] and inner.size > 1:
        inner = np.broadcast_to(
            turned.reshape((1,) * (len(wide) - turned.ndim) + turned.shape), wide
        )
    return call.weight(part, inner)


def _without_ones(shape: Shape) -> Shape:
    """The shape without the 1s in front."""
    first = next((place for place, size in enumerate(shape) if size > 1), len(shape))
    return shape[first:]


def repeated(call: Call, x: View, shape: Shape) -> View:
    """A tensor repeated up to ONNX's shape."""
    whole = x.reshaped((1,) * (len(shape) - len(x.axes)) + x.shape)
    assert whole is not None
    if whole.shape == tuple(shape):
        return whole
    whole, order = call.weaver.blocks(whole)
    name = call.weaver.take(whole, order, tuple(whole.shape[axis] for axis in order))
    target = tuple(shape[axis] for axis in order)
    for op in repetition(call.weaver.shape(name), target):
        name = call.add(op, [name], "repeated")
    return view(call.weaver.reshape(name, inner_shape(tuple(shape), order)), tuple(shape), order)


def _two(op: Operator) -> Reader:
    """A function of two or more tensors."""

    def read(call: Call) -> View:
        values = [each for each in call.inputs if each is not None]
        result = values[0]
        for number, other in enumerate(values[1:], 2):
            part = "" if number == len(values) else str(number)
            result = pair(call, op, result, other, part)
        assert isinstance(result, View)
        return result

    return read


def pair(call: Call, op: Operator, first: Value, second: Value, part: str) -> View:
    """A function of two values, one of which at least is computed."""
    if isinstance(first, View) and isinstance(second, View):
        return _tensors(call, op, first, second, part)
    x, constant = (first, second) if isinstance(first, View) else (second, first)
    assert isinstance(x, View)
    assert isinstance(constant, np.ndarray)
    shape = np.broadcast_shapes(x.shape, constant.shape)
    return _with_constant(call, op, repeated(call, x, shape), constant, x is second, part)


def _tensors(call: Call, op: Operator, first: View, second: View, part: str) -> View:
    """Both in one order of axes in memory, that of the larger."""
    fused = _fused(call, op, first, second)
    if fused is not None:
        return fused
    try:
        shape = np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        raise call.refusal(f"joins tensors of shapes {first.shape} and {second.shape}") from None
    if first.order == second.order and first.axes == second.axes:
        names = [call.weaver.reshape(second.name, call.weaver.shape(first.name))]
        return first.renamed(call.add(op, [first.name, *names], part))
    wide = max(first, second, key=lambda each: (math.prod(each.shape), len(each.axes)))
    _, order = call.weaver.blocks(_widened(wide, len(shape)))
    names = []
    for each in (first, second):
        whole = _widened(each, len(shape))
        sizes = tuple(whole.shape[axis] for axis in order if axis or shape[0] > 1)
        names.append(call.weaver.take(whole, order, sizes or (1,)))
    layer = KerasLayer(call.part(part), call.node.kind, {}, {})
    found = merge(op, layer, names, call.weaver.builder)
    name = call.weaver.reshape(found, inner_shape(shape, order))
    return view(name, shape, order)


def _widened(x: View, rank: int) -> View:
    return View(x.name, ((),) * (rank - len(x.axes)) + x.axes, x.order)


def _fused(call: Call, op: Operator, first: View, second: View) -> View | None:
    """Products of a value and a function of it that are one function."""
    if not isinstance(op, Mul):
        return None
    for x, other in ((first, second), (second, first)):
        node = call.weaver.producer(other.name)
        if node is None or not _same_tensor(call, node.inputs[0], x.name):
            continue
        whole: Operator | None = None
        if isinstance(node.op, Logistic):
            whole = Function("silu")
        elif node.op == Function("hard_sigmoid"):
            whole = HardSwish()
        if whole is not None:
            return call.same(whole, x)
    return None


def _same_tensor(call: Call, first: str, second: str) -> bool:
    """Whether two names are one tensor, perhaps reshaped."""
    one, two = call.weaver.producer(first), call.weaver.producer(second)
    return first == second or (one is not None and one is two)


def _with_constant(
    call: Call, op: Operator, x: View, constant: Array, backwards: bool, part: str
) -> View:
    """One factor or summand for all values or for each channel, or others for each value."""
    blocks, order = call.weaver.blocks(x)
    wide = inner_shape(x.shape, order)
    aligned = constant.reshape((1,) * (len(x.axes) - constant.ndim) + constant.shape)
    turned = aligned.transpose(order).astype(np.float64)
    last = turned.size == 1 or (turned.shape[-1] == turned.size == wide[-1])
    if isinstance(op, Extremum):
        return _bounded(call, op, x, constant)
    if last:
        values = turned.ravel()
        source = x if turned.size == 1 else blocks
        if isinstance(op, Mul):
            return call.scaled(source, values, 0.0, part)
        if isinstance(op, Subtract):
            return call.scaled(source, -1.0, values, part) if backwards else (
                call.scaled(source, 1.0, -values, part)
            )  # fmt: skip
        return call.scaled(source, 1.0, values, part)
    if not isinstance(op, Mul):
        constant = np.clip(constant, -_BLOCKED, _BLOCKED)
    name = _constant(call, constant, x.shape, order, f"{part}constant")
    if isinstance(op, Mul):
        return blocks.renamed(call.add(Mul(), [blocks.name, name], part))
    names = [name, blocks.name] if backwards else [blocks.name, name]
    return blocks.renamed(call.add(AddConstant(isinstance(op, Subtract)), names, part))


def _bounded(call: Call, op: Extremum, x: View, constant: Array) -> View:
    """A maximum or minimum with one number."""
    if np.ptp(constant):
        raise call.refusal(
            "has a bound for each value", expected="Expected one bound for all values."
        )
    bound = float(constant.reshape(-1)[0])
    if op.largest:
        if bound == 0:
            return call.same(Relu(), x)
        return call.scaled(
            call.same(Relu(), call.scaled(x, 1.0, -bound, "above"), "clipped"), 1.0, bound
        )
    node = call.weaver.producer(x.name)
    if node is not None and node.op == Relu() and bound > 0:
        name = call.weaver.reshape(node.inputs[0], call.weaver.shape(x.name))
        return x.renamed(call.add(Relu(bound), [name]))
    turned = call.same(Relu(), call.scaled(x, -1.0, bound, "below"), "clipped")
    return call.scaled(turned, -1.0, bound)


def _mean_of(call: Call) -> View:
    total = _two(Add())(call)
    assert isinstance(total, View)
    return call.scaled(total, 1 / len(call.inputs), 0.0, "mean")


def _negative(call: Call) -> View:
    return call.scaled(call.view(), -1.0, 0.0)


ARITHMETIC: Mapping[str, Reader] = {
    "Abs": _function(Absolute()),
    "Add": _two(Add()),
    "Ceil": _rounded("ceil"),
    "Celu": _celu,
    "Clip": _clip,
    "Cos": _function(Function("cos")),
    "Elu": _elu,
    "Exp": _function(Exp()),
    "Floor": _rounded("floor"),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _function(HardSwish()),
    "LeakyRelu": _leaky,
    "Log": _function(Logarithm()),
    "Max": _two(Extremum(True)),
    "Mean": _mean_of,
    "Min": _two(Extremum(False)),
    "Mish": _function(Function("mish")),
    "Mul": _two(Mul()),
    "Neg": _negative,
    "PRelu": _prelu,
    "Relu": _relu,
    "Round": _rounded("round"),
    "Selu": _selu,
    "Sigmoid": _function(Logistic()),
    "Sign": _rounded("sign"),
    "Sin": _function(Function("sin")),
    "Softplus": _function(Function("softplus")),
    "Softsign": _function(Function("softsign")),
    "Sqrt": _function(Root()),
    "Sub": _two(Subtract()),
    "Sum": _two(Add()),
    "Swish": _swish,
    "Tanh": _function(Tanh()),
}
"""By operator."""
