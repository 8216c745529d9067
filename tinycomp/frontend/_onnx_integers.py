"""Integer operators of ONNX and onnxruntime, written as float operators between DequantizeLinear
and QuantizeLinear: `QLinearConv` (the QOperator format) and `ConvInteger` behind
`QuantizeLinear` or `DynamicQuantizeLinear` (dynamic quantization).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tinycomp.frontend._onnx_writer import Writer

_MICROSOFT = "com.microsoft"
_DOMAINS = ("", "ai.onnx", _MICROSOFT)


_Rule = Callable[[Writer], list[Any]]


def _convolution(w: Writer) -> list[Any]:
    """QLinearConv."""
    (x, real), (weights, kernel) = w.real("x", (0, 1, 2)), w.real("w", (3, 4, 5))
    bias, sums = w.sums(8, (1, 4))
    product = w.named("real")
    convolved = w.same("Conv", [real, kernel, sums], product)
    return [x, weights, *bias, convolved, w.stored(product, 6, 7)]


def _matmul(w: Writer) -> list[Any]:
    """QLinearMatMul; scales of columns lie on the last axis."""
    (a, first), (b, second) = w.real("a", (0, 1, 2)), w.real("b", (3, 4, 5), -1)
    product = w.named("real")
    return [a, b, w.same("MatMul", [first, second], product), w.stored(product, 6, 7)]


def _gemm(w: Writer) -> list[Any]:
    """QGemm, whose result is real if its scale is left out."""
    turned = w.attribute("transB", 0)
    (a, first), (b, second) = w.real("a", (0, 1, 2)), w.real("b", (3, 4, 5), 0 if turned else 1)
    bias, sums = w.sums(6, (1, 4))
    if w.attribute("alpha", 1.0) != 1.0 and sums:
        return [w.proto]  # the steps of the bias have that factor
    quantized = w.given(7)
    product = w.named("real") if quantized else w.output
    gemm = w.same("Gemm", [first, second, sums], product)
    return [a, b, *bias, gemm, *([w.stored(product, 7, 8)] if quantized else [])]


def _pair(kind: str) -> _Rule:
    """QLinearAdd and QLinearMul."""

    def rule(w: Writer) -> list[Any]:
        (a, first), (b, second) = w.real("a", (0, 1, 2)), w.real("b", (3, 4, 5))
        result = w.named("real")
        return [a, b, w.same(kind, [first, second], result), w.stored(result, 6, 7)]

    return rule


def _single(kind: str) -> _Rule:
    """A function of one tensor."""

    def rule(w: Writer) -> list[Any]:
        if w.attribute("channels_last", 0):
            return [w.proto]
        (x, real), result = w.real("x", (0, 1, 2)), w.named("real")
        return [x, w.same(kind, [real], result), w.stored(result, 3, 4)]

    return rule


def _concat(w: Writer) -> list[Any]:
    """QLinearConcat: the scale and zero point of the output, then three inputs for each tensor."""
    reals = [w.real(f"x{place}", (place, place + 1, place + 2))
             for place in range(2, len(w.proto.input), 3)]  # fmt: skip
    result = w.named("real")
    joined = w.same("Concat", [name for _, name in reals], result)
    return [*(node for node, _ in reals), joined, w.stored(result, 0, 1)]


def _dynamic(w: Writer) -> list[Any]:
    """DynamicQuantizeLinear passes real values on, in steps of 1 from 0."""
    outputs = [str(each) for each in w.proto.output]
    values = (np.float32(1), np.uint8(0))
    constants = [w.constant(name, np.array(value))
                 for name, value in zip(outputs[1:], values, strict=True)]  # fmt: skip
    return [w.node("Identity", [w.given(0)], outputs[0]), *constants]


def _whole(kind: str) -> _Rule:
    """ConvInteger and MatMulInteger of a tensor that was quantized dynamically: real values times
    centred weights.
    """

    def rule(w: Writer) -> list[Any]:
        one, weights = w.named("one"), w.named("w")
        inputs = [w.given(1), one, w.given(3)]
        axis = 0 if kind == "Conv" else -1
        centred = w.node("DequantizeLinear", inputs, weights, axis=axis)
        unit = w.constant(one, np.array(1, np.float32))
        return [unit, centred, w.same(kind, [w.given(0), weights], w.output)]

    return rule


def _behind_static(kind: str, quantization: Any) -> _Rule:
    """ConvInteger and MatMulInteger behind a QuantizeLinear: real values times centred weights, in
    steps of one by its scale.
    """

    def rule(w: Writer) -> list[Any]:
        scale, step = str(quantization.input[1]), w.named("step")
        real, weights = w.named("real"), w.named("w")
        axis = 0 if kind == "Conv" else -1
        return [
            w.node("Reciprocal", [scale], step),
            w.node("DequantizeLinear", [w.given(1), step, w.given(3)], weights, axis=axis),
            w.node("DequantizeLinear", [w.given(0), scale, w.given(2)], real),
            w.same(kind, [real, weights], w.output),
        ]

    return rule


def _dynamic_matmul(scale: int, zero: int, bias: int) -> _Rule:
    """DynamicQuantizeMatMul, and MatMulIntegerToFloat, which is onnxruntime's for three nodes."""

    def rule(w: Writer) -> list[Any]:
        weights, kernel = w.real("w", (1, scale, zero), -1)
        product = w.named("product") if w.given(bias) else w.output
        found = [weights, w.node("MatMul", [w.given(0), kernel], product)]
        if w.given(bias):
            found.append(w.node("Add", [product, w.given(bias)], w.output))
        return found

    return rule


def _dynamic_lstm(w: Writer) -> list[Any]:
    """DynamicQuantizeLSTM, whose matrices are transposed."""
    found, reals = [], []
    for part, places in (("w", (1, 8, 9)), ("r", (2, 10, 11))):
        weights, kernel = w.real(part, places)
        reals.append(w.named(f"{part}/turned"))
        found += [weights, w.node("Transpose", [kernel], reals[-1], perm=[0, 2, 1])]
    inputs = [w.given(0), *reals, *(w.given(place) for place in range(3, 8))]
    lstm = w.same("LSTM", inputs, w.output)
    lstm.output.extend(w.proto.output[1:])
    return [*found, lstm]


def _as_standard(kind: str) -> _Rule:
    """onnxruntime's version of an operator that ONNX has too."""
    return lambda w: [w.same(kind, list(w.proto.input), w.output)]


_SHARED = ("DequantizeLinear", "Gelu", "QuantizeLinear")
"""Operators that both sets have."""
_STATIC: Mapping[str, _Rule] = {
    **{kind: _as_standard(kind) for kind in _SHARED},
    "DynamicQuantizeLSTM": _dynamic_lstm,
    "DynamicQuantizeLinear": _dynamic,
    "DynamicQuantizeMatMul": _dynamic_matmul(2, 3, 4),
    "QGemm": _gemm,
    "QLinearAdd": _pair("Add"),
    "QLinearAveragePool": _single("AveragePool"),
    "QLinearConcat": _concat,
    "QLinearConv": _convolution,
    "QLinearGlobalAveragePool": _single("GlobalAveragePool"),
    "QLinearLeakyRelu": _single("LeakyRelu"),
    "QLinearMatMul": _matmul,
    "QLinearMul": _pair("Mul"),
    "QLinearSigmoid": _single("Sigmoid"),
    "QLinearSoftmax": _single("Softmax"),
}
"""By operator."""
_WHOLE = {"ConvInteger": "Conv", "MatMulInteger": "MatMul"}
"""By operator, the float one."""
_BEHIND_DYNAMIC: Mapping[str, _Rule] = {
    **{name: _whole(kind) for name, kind in _WHOLE.items()},
    "MatMulIntegerToFloat": _dynamic_matmul(3, 5, 6),
}
"""By operator, of what reads the result of DynamicQuantizeLinear."""


def in_real_numbers(onnx: Any, nodes: Iterable[Any]) -> Iterator[Any]:
    """The nodes of a graph, integer operators as float ones between quantizations.

    ONNX's own QuantizeLinear and DequantizeLinear stay. What can't be written so stays too.
    """
    dynamic: set[str] = set()
    static: dict[str, Any] = {}
    for proto in nodes:
        rule = _rule(proto, dynamic, static)
        if proto.op_type == "QuantizeLinear":
            static[proto.output[0]] = proto
        if proto.op_type == "DynamicQuantizeLinear":
            dynamic.add(proto.output[0])
        yield from [proto] if rule is None else rule(Writer(onnx, proto))


def _rule(proto: Any, dynamic: set[str], static: Mapping[str, Any]) -> _Rule | None:
    if proto.domain not in _DOMAINS or (proto.domain != _MICROSOFT and proto.op_type in _SHARED):
        return None
    if proto.input and proto.input[0] in dynamic:
        return _BEHIND_DYNAMIC.get(proto.op_type)
    if proto.op_type in _WHOLE and proto.input and proto.input[0] in static:
        return _behind_static(_WHOLE[proto.op_type], static[proto.input[0]])
    return _STATIC.get(proto.op_type)


INTEGER_OPERATORS = (
    *(kind for kind in _STATIC if kind not in _SHARED),
    *_BEHIND_DYNAMIC,
)
"""The integer operators that are read as float ones."""
