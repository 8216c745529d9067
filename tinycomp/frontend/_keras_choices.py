"""Comparisons, choices and gates of keras.ops: what is true is 1, what is false 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ops._keras import merge, refusal
from tinycomp.ops.absolute import Absolute
from tinycomp.ops.add import Add
from tinycomp.ops.batch_normalization import scaled
from tinycomp.ops.extremum import Extremum
from tinycomp.ops.function import Function
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.mul import Mul
from tinycomp.ops.relu import Relu
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.subtract import Subtract

Lowering = Callable[[KerasLayer, Sequence[str], GraphBuilder], str]


def _part(layer: KerasLayer, name: str) -> KerasLayer:
    return replace(layer, name=f"{layer.name}/{name}")


def _number(layer: KerasLayer, place: int) -> float | None:
    """The argument there, if it is a number; None for a tensor.

    Raises:
        ModelError: it is an array.
    """
    value = layer.config["args"][place]
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise refusal(layer, "takes constants", expected="Expected tensors and numbers.")
    return float(value)


def _difference(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, backwards: bool
) -> str:
    """The first argument minus the second, or the other way round."""
    numbers = [_number(layer, place) for place in (0, 1)]
    part, sign = _part(layer, "difference"), -1.0 if backwards else 1.0
    if None not in numbers:
        raise refusal(layer, "compares numbers", expected="Expected a tensor.")
    if numbers[0] is not None:
        return scaled(part.name, inputs[0], -sign, sign * numbers[0], builder)
    if numbers[1] is not None:
        return scaled(part.name, inputs[0], sign, -sign * numbers[1], builder)
    return merge(Subtract(), part, inputs[::-1] if backwards else inputs, builder)


def _compared(backwards: bool, opposite: bool) -> Lowering:
    """Whether the first argument is greater, or if `backwards` less; or the opposite of that."""

    def lower(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        away = _difference(layer, inputs, builder, backwards)
        sign = builder.add(Function("sign"), [away], f"{layer.name}/sign")
        if not opposite:
            return builder.add(Relu(), [sign], layer.name)
        true = builder.add(Relu(), [sign], f"{layer.name}/opposite")
        return scaled(layer.name, true, -1.0, 1.0, builder)

    return lower


def _equal(opposite: bool) -> Lowering:
    def lower(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        away = _difference(layer, inputs, builder, backwards=False)
        sign = builder.add(Function("sign"), [away], f"{layer.name}/sign")
        if opposite:
            return builder.add(Absolute(), [sign], layer.name)
        other = builder.add(Absolute(), [sign], f"{layer.name}/other")
        return scaled(layer.name, other, -1.0, 1.0, builder)

    return lower


def _both(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    return merge(Mul(), layer, inputs, builder)


def _either(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    return merge(Extremum(True), layer, inputs, builder)


def _not(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    return scaled(layer.name, inputs[0], -1.0, 1.0, builder)


def chosen(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Where(condition, x, y): condition * x + (1 - condition) * y, for tensors and numbers.

    Raises:
        ModelError: one is an array.
    """
    condition, *tensors = inputs
    values = [_number(layer, place) for place in (1, 2)]
    return _mixed(layer, condition, values, tensors, builder)


def _mixed(
    layer: KerasLayer, condition: str, values: Sequence[float | None], tensors: Sequence[str],
    builder: GraphBuilder,
) -> str:  # fmt: skip
    if None not in values:
        first, second = (0.0 if value is None else value for value in values)
        return scaled(layer.name, condition, first - second, second, builder)
    waiting, parts = list(tensors), []
    for value, share, title in zip(values, (condition, None), ("first", "second"), strict=True):
        if value == 0:
            continue
        part = _part(layer, title)
        if share is None:
            share = scaled(f"{part.name}/share", condition, -1.0, 1.0, builder)
        if value is not None:
            parts.append(scaled(part.name, share, value, 0.0, builder))
        else:
            parts.append(merge(Mul(), part, [waiting.pop(0), share], builder))
    return parts[0] if len(parts) == 1 else merge(Add(), layer, parts, builder)


def _threshold(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Values above a threshold, and a default for all others."""
    limit, default = float(layer.config["threshold"]), float(layer.config["default_value"])
    part = replace(_part(layer, "above"), config={"args": [None, limit]})
    above = _compared(False, False)(part, inputs, builder)
    return _mixed(layer, above, [None, default], inputs, builder)


def relu_from(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A ReLU that is zero below its threshold.

    Raises:
        ModelError: it has a slope too.
    """
    limit, most = float(layer.config["threshold"]), layer.config.get("max_value")
    if layer.config.get("negative_slope") or limit < 0:
        slope = layer.config.get("negative_slope", 0.0)
        what = f"has threshold={limit:g} and negative_slope={slope:g}"
        raise refusal(layer, what, expected="Expected a threshold above zero, and no slope.")
    options = {"threshold": limit, "default_value": 0.0}
    if most is None:
        return _threshold(replace(layer, config=options), inputs, builder)
    kept = _threshold(replace(_part(layer, "kept"), config=options), inputs, builder)
    return builder.add(Relu(float(most)), [kept], layer.name)


def _gated(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """One half of an axis times the sigmoid of the other."""
    shape, axis = builder.tensors[inputs[0]].shape, layer.config.get("axis", -1)
    place = axis % (len(shape) + 1) - 1
    if place < 0 or shape[place] % 2:
        raise refusal(layer, f"halves axis {axis} of {shape}", expected="Expected an even size.")
    half, found = shape[place] // 2, []
    for number, title in enumerate(("values", "gate")):
        parts: list[Any] = [(0, size, 1) for size in shape]
        parts[place] = (number * half, half, 1)
        found.append(builder.add(StridedSlice(tuple(parts)), inputs, f"{layer.name}/{title}"))
    share = builder.add(Logistic(), found[1:], f"{layer.name}/sigmoid")
    return builder.add(Mul(), [found[0], share], layer.name)


CHOICES: Mapping[str, Lowering] = {
    "Equal": _equal(opposite=False),
    "Glu": _gated,
    "Greater": _compared(backwards=False, opposite=False),
    "GreaterEqual": _compared(backwards=True, opposite=True),
    "Less": _compared(backwards=True, opposite=False),
    "LessEqual": _compared(backwards=False, opposite=True),
    "LogicalAnd": _both,
    "LogicalNot": _not,
    "LogicalOr": _either,
    "NotEqual": _equal(opposite=True),
    "Threshold": _threshold,
}
"""By class name in Keras."""
