"""Comparisons, choices and logic of ONNX: what is true is 1, what is false 0."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tinycomp.frontend._onnx_arithmetic import pair, repeated
from tinycomp.frontend._onnx_call import Call, Reader, Value
from tinycomp.frontend._onnx_views import View
from tinycomp.ir.tensor import Array
from tinycomp.ops.absolute import Absolute
from tinycomp.ops.add import Add
from tinycomp.ops.function import Function
from tinycomp.ops.mul import Mul
from tinycomp.ops.relu import Relu
from tinycomp.ops.subtract import Subtract

_BLOCKED = 1e4
"""A constant from this on below zero stands for minus infinity: a mask of scores."""


def _sign(call: Call, backwards: bool) -> View:
    """1, 0 or -1: of the first minus the second, or the other way round."""
    first, second = _operands(call)
    if backwards:
        first, second = second, first
    away = pair(call, Subtract(), first, second, "difference")
    return call.same(Function("sign"), away, "sign")


def _operands(call: Call) -> tuple[Value, Value]:
    first, second = call.inputs[:2]
    assert first is not None
    assert second is not None
    return first, second


def _compared(backwards: bool, opposite: bool) -> Reader:
    """Whether the first is greater, or if `backwards` less; or the opposite of that."""

    def read(call: Call) -> View:
        sign = _sign(call, backwards)
        if not opposite:
            return call.whole(call.same(Relu(), sign))
        return _not_so(call, call.same(Relu(), sign, "opposite"))

    return read


def _not_so(call: Call, x: View, part: str = "") -> View:
    return call.whole(call.scaled(x, -1.0, 1.0, part))


def _equal(call: Call) -> View:
    return _not_so(call, call.same(Absolute(), _sign(call, False), "other"))


def _not(call: Call) -> View:
    return _not_so(call, call.view())


def _both(call: Call) -> View:
    return call.whole(pair(call, Mul(), *_as_numbers(call), ""))


def _either(call: Call) -> View:
    """a + b - a * b."""
    first, second = _as_numbers(call)
    both = pair(call, Mul(), first, second, "both")
    return call.whole(pair(call, Subtract(), pair(call, Add(), first, second, "sum"), both, ""))


def _one_of_two(call: Call) -> View:
    away = pair(call, Subtract(), *_as_numbers(call), "difference")
    return call.whole(call.same(Absolute(), away))


def _as_numbers(call: Call) -> tuple[Value, Value]:
    first, second = (
        each.astype(np.float32) if isinstance(each, np.ndarray) else each
        for each in _operands(call)
    )
    return first, second


def _where(call: Call) -> View:
    """condition * x + (1 - condition) * y."""
    condition, first, second = (
        each.astype(np.float32) if isinstance(each, np.ndarray) else each for each in call.inputs
    )
    assert condition is not None
    if isinstance(condition, np.ndarray):
        return _by_known(call, condition, first, second)
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        _require_finite(call, first, second)
        spread = pair(call, Mul(), condition, first - second, "spread")
        return pair(call, Add(), spread, second, "")
    parts: list[View] = []
    for value, share, title in (
        (first, condition, "first"),
        (second, _not_so(call, condition, "other"), "second"),
    ):
        if isinstance(value, np.ndarray):
            _require_finite(call, value)
            if not value.any():
                continue
        assert value is not None
        parts.append(pair(call, Mul(), share, value, title))
    return parts[0] if len(parts) == 1 else pair(call, Add(), parts[0], parts[1], "")


def _above_threshold(call: Call) -> View:
    """Values above a threshold, and zero for all others."""
    limit = np.array([call.attribute("alpha", 1.0)], np.float32)
    away = pair(call, Subtract(), call.view(), limit, "difference")
    above = call.same(Relu(), call.same(Function("sign"), away, "sign"), "above")
    return pair(call, Mul(), call.view(), above, "")


def _require_finite(call: Call, *values: Array) -> None:
    if any(np.abs(each).max(initial=0) >= _BLOCKED for each in values):
        raise call.refusal(
            "fills with numbers of 10,000 and more where a computed condition says so",
            expected="Expected a constant condition, or smaller numbers.",
        )


def _by_known(call: Call, condition: Array, first: Value | None, second: Value | None) -> View:
    """A constant condition; a large negative number beside a tensor is added, as masks of scores
    are: what is that far below does not depend on the tensor.
    """
    parts: list[Value] = []
    for value, share in ((first, condition), (second, 1 - condition)):
        assert value is not None
        if not share.any():
            continue
        if isinstance(value, np.ndarray):
            known = np.where(share > 0, np.maximum(value, -1e9), 0)
            parts.append(known if known.any() else np.zeros(known.shape, np.float32))
            continue
        other = second if value is first else first
        masked = isinstance(other, np.ndarray) and bool(np.all(other <= -_BLOCKED))
        whole = masked or share.all()
        parts.append(value if whole else pair(call, Mul(), value, share, "kept"))
    shape = np.broadcast_shapes(*(each.shape for each in call.inputs if each is not None))
    if len(parts) == 1 or not _counts(parts[0]) or not _counts(parts[-1]):
        (found,) = [each for each in parts if isinstance(each, View)]
        return repeated(call, found, shape)
    return pair(call, Add(), parts[0], parts[1], "")


def _counts(value: Value) -> bool:
    return isinstance(value, View) or bool(value.any())


CHOICES: Mapping[str, Reader] = {
    "And": _both,
    "Equal": _equal,
    "Greater": _compared(backwards=False, opposite=False),
    "GreaterOrEqual": _compared(backwards=True, opposite=True),
    "Less": _compared(backwards=True, opposite=False),
    "LessOrEqual": _compared(backwards=False, opposite=True),
    "Not": _not,
    "Or": _either,
    "ThresholdedRelu": _above_threshold,
    "Where": _where,
    "Xor": _one_of_two,
}
"""By operator."""
