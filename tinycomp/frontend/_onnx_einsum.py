"""Einsum of ONNX: products of one or two tensors, summed over the axes that the result lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinycomp.frontend._onnx_call import Call, Reader, Value
from tinycomp.frontend._onnx_dense import dense, product
from tinycomp.frontend._onnx_reductions import total
from tinycomp.frontend._onnx_views import View
from tinycomp.ir.tensor import Array


@dataclass(frozen=True)
class _Equation:
    """The letters of an equation, and the sizes of their axes."""

    names: tuple[str, ...]
    """Of each tensor, a letter for each axis."""
    result: str
    """Of the result."""
    sizes: Mapping[str, int]
    """By letter."""

    def count(self, letters: Sequence[str]) -> int:
        """The values of these axes together."""
        return math.prod(self.sizes[each] for each in letters)


def _einsum(call: Call) -> View:
    equation = _equation(call)
    if len(equation.names) == 1:
        return _alone(call, equation)
    first, second = (call.inputs[place] for place in (0, 1))
    if isinstance(first, np.ndarray):
        first, second = second, first
        names = equation.names[::-1]
        equation = _Equation(names, equation.result, equation.sizes)
    assert isinstance(first, View)
    assert second is not None
    return _of_two(call, equation, first, second)


def _equation(call: Call) -> _Equation:
    """Read and check it.

    Raises:
        ModelError: it has more than two tensors, dots, or a letter twice in one of them.
    """
    text = str(call.attribute("equation", "")).replace(" ", "")
    source, arrow, result = text.partition("->")
    names = tuple(source.split(","))
    if not arrow:
        result = "".join(sorted(each for each in {*source} - {","} if source.count(each) == 1))
    shapes = [each.shape for each in call.inputs if each is not None]
    fits = len(names) == len(shapes) <= 2 and all(
        name.isalpha() and len({*name}) == len(name) == len(shape)
        for name, shape in zip(names, shapes, strict=True)
    )
    if not fits or not {*result} <= {*source}:
        raise call.refusal(
            f"computes {text!r}",
            expected="Expected one or two tensors, with a letter for each axis, none twice.",
        )
    sizes: dict[str, int] = {}
    for name, shape in zip(names, shapes, strict=True):
        for letter, size in zip(name, shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    return _Equation(names, result, sizes)


def _alone(call: Call, equation: _Equation) -> View:
    (name,), x = equation.names, call.view()
    gone = [place for place, letter in enumerate(name) if letter not in equation.result]
    if gone:
        x = total(call, x, gone, False)
    left = [letter for letter in name if letter in equation.result]
    return x.transposed([left.index(letter) for letter in equation.result])


def _of_two(call: Call, equation: _Equation, first: View, second: Value) -> View:
    """A product of matrices for each place of the axes that all three have."""
    one, two = equation.names
    shared = [each for each in one if each in two and each in equation.result]
    summed = [each for each in one if each in two and each not in equation.result]
    own = [[each for each in name if each in equation.result and each not in shared]
           for name in (one, two)]  # fmt: skip
    if len(one) + len(two) != 2 * (len(shared) + len(summed)) + len(own[0]) + len(own[1]):
        raise call.refusal(
            "sums an axis that only one of its tensors has", expected="Expected one that both have."
        )
    left = first.transposed([one.index(each) for each in (*shared, *own[0], *summed)])
    order = [two.index(each) for each in (*shared, *summed, *own[1])]
    lead = tuple(equation.sizes[each] for each in shared)
    inner, outputs = equation.count(summed), equation.count(own[1])
    left = call.weaver.as_shape(left, (*lead, equation.count(own[0]), inner))
    if isinstance(second, View):
        shape = (*lead, inner, outputs)
        right = call.weaver.as_shape(second.transposed(order), shape)
        found = product(call, left, right, "product")
    else:
        found = _with_matrix(call, left, second.transpose(order), (inner, outputs))
    letters = [*shared, *own[0], *own[1]]
    whole = call.weaver.as_shape(found, tuple(equation.sizes[each] for each in letters))
    return whole.transposed([letters.index(each) for each in equation.result])


def _with_matrix(call: Call, left: View, values: Array, shape: tuple[int, int]) -> View:
    if values.size != math.prod(shape):
        raise call.refusal(
            "multiplies with a matrix for each place", expected="Expected one matrix for all."
        )
    return dense(call, left, values.reshape(shape).astype(np.float64), np.zeros(1))


EINSUM: Mapping[str, Reader] = {"Einsum": _einsum}
"""By operator."""
