"""Quotients, inverses and powers of ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tinycomp.frontend._onnx_arithmetic import pair
from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_views import View
from tinycomp.ops.exp import Exp
from tinycomp.ops.function import Function
from tinycomp.ops.mul import Mul
from tinycomp.ops.root import Root

_EXPONENTS = (0.5, 0.75, 1, 1.5, 2, 3, 4)
"""Of these, or one of these below zero, powers are products, roots and inverses."""

_NEAR = 1e-6
"""PyTorch's distances have a root of 0.4999998."""


def _divided(call: Call) -> View:
    """By a constant, or times the inverse of a tensor, which has a table."""
    first, second = call.inputs[:2]
    if isinstance(first, View) and isinstance(second, np.ndarray):
        if not np.all(second):
            raise call.refusal("divides by zero")
        return pair(call, Mul(), first, np.asarray(1 / second.astype(np.float64)), "")
    assert first is not None
    assert isinstance(second, View)
    return pair(call, Mul(), first, inverse(call, second, "inverse"), "")


def inverse(call: Call, x: View, part: str = "") -> View:
    """1 / x; of a square root at once."""
    node = call.weaver.producer(x.name)
    if node is None or node.op != Root():
        return call.same(Function("reciprocal"), x, part)
    source = call.weaver.reshape(node.inputs[0], call.weaver.shape(x.name))
    return x.renamed(call.add(Root(True), [source], part))


def _reciprocal(call: Call) -> View:
    return inverse(call, call.view())


def _power(call: Call) -> View:
    if isinstance(call.inputs[0], np.ndarray):
        return _exponential(call, call.inputs[0])
    exponent = call.required(1, "an exponent")
    power = float(exponent.reshape(-1)[0]) if not np.ptp(exponent) else math.nan
    near = [each for each in _EXPONENTS if abs(abs(power) - each) < _NEAR]
    if not near:
        *some, last = (f"{each:g}" for each in _EXPONENTS)
        raise call.refusal(
            f"raises to the power {power:g}",
            expected=f"Expected {', '.join(some)} or {last}, or one of these below zero.",
        )
    return raised(call, call.view(), math.copysign(near[0], power))


def _exponential(call: Call, base: np.ndarray) -> View:
    """A number to the power of a tensor."""
    if np.size(base) != 1 or base.reshape(-1)[0] <= 0:
        raise call.refusal("raises several numbers", expected="Expected one number above zero.")
    scaled = call.scaled(call.view(1), math.log(base.reshape(-1)[0]), 0.0, "scaled")
    return call.same(Exp(), scaled)


def raised(call: Call, x: View, power: float) -> View:
    """A tensor to a power whose value is in _EXPONENTS."""
    below = power < 0
    if abs(power) == 1:
        return inverse(call, x) if below else x
    if abs(power) < 2:
        root = call.same(Root(below), x, "" if abs(power) == 0.5 else "root")
        if abs(power) == 0.5:
            return root
        other = x if power == 1.5 else call.same(Root(), root, "second")
        other = inverse(call, x, "inverse") if power == -1.5 else other
        return x.renamed(call.add(Mul(), [root.name, other.name]))
    part = "power" if below else ""
    found = x.renamed(call.add(Mul(), [x.name, x.name], part if abs(power) == 2 else "square"))
    if abs(power) > 2:
        other = x if abs(power) == 3 else found
        found = x.renamed(call.add(Mul(), [found.name, other.name], part))
    return inverse(call, found) if below else found


POWERS: Mapping[str, Reader] = {"Div": _divided, "Pow": _power, "Reciprocal": _reciprocal}
"""By operator."""
