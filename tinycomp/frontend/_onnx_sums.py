"""Operators of ONNX that are sums of functions of values: norms, logarithms of sums, running sums,
normalizations by neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tinycomp.frontend._onnx_arithmetic import pair
from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_dense import dense
from tinycomp.frontend._onnx_powers import raised
from tinycomp.frontend._onnx_reductions import centred, reduced, reduced_axes, total
from tinycomp.frontend._onnx_views import View
from tinycomp.ops.absolute import Absolute
from tinycomp.ops.add import Add
from tinycomp.ops.exp import Exp
from tinycomp.ops.logarithm import Logarithm
from tinycomp.ops.mul import Mul
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.root import Root
from tinycomp.ops.subtract import Subtract

_BETAS = (0.5, 0.75, 1.0)
"""Powers of a LRN's divisor."""


def _absolute_sum(call: Call) -> View:
    x = call.view()
    axes, keeps = reduced_axes(call, x)
    sizes = call.same(Absolute(), x, "absolute" if axes else "")
    return total(call, sizes, axes, keeps) if axes else sizes


def _length(call: Call) -> View:
    x = call.view()
    axes, keeps = reduced_axes(call, x)
    if not axes:
        return call.same(Absolute(), x)
    squares = x.renamed(call.add(Mul(), [x.name, x.name], "squares"))
    return call.same(Root(), total(call, squares, axes, keeps, "sum"))


def _logarithm_of_sum(call: Call) -> View:
    x = call.view()
    axes, keeps = reduced_axes(call, x)
    return call.same(Logarithm(), total(call, x, axes, keeps, "sum") if axes else x)


def _logarithm_of_exponentials(call: Call) -> View:
    """The largest value m, plus log(sum(exp(x - m))): exponentials from 0 to 1."""
    x = call.view()
    axes, keeps = reduced_axes(call, x)
    if not axes:
        return x
    most = reduced(call, ReduceMax, x, axes, True, "most")
    below = pair(call, Subtract(), x, most, "below")
    powers = call.same(Exp(), below, "powers")
    rest = call.same(Logarithm(), total(call, powers, axes, True, "sum"), "log")
    found = pair(call, Add(), most, rest, "")
    kept = [axis for axis in range(len(x.axes)) if keeps or axis not in axes]
    return View(found.name, tuple(found.axes[axis] for axis in kept), found.order)


def _running_sum(call: Call) -> View:
    """A product with a triangular matrix along the axis."""
    x = call.view()
    (given,) = call.required(1, "an axis").reshape(-1)
    (axis,) = call.axes([int(given)], len(x.axes))
    swap = list(range(len(x.axes)))
    swap[axis], swap[-1] = swap[-1], swap[axis]
    ones = np.ones((x.shape[axis],) * 2)
    matrix = np.triu(ones, int(bool(call.attribute("exclusive", 0))))
    matrix = matrix.T if call.attribute("reverse", 0) else matrix
    return dense(call, x.transposed(swap), matrix, np.zeros(1)).transposed(swap)


def _by_neighbours(call: Call) -> View:
    """Divided by a power of the sum of squares of the channels around."""
    x = call.view()
    if len(x.axes) < 3:
        raise call.refusal(f"has an input of shape {x.shape}", expected="Expected an image.")
    size, alpha = int(call.attribute("size", 1)), float(call.attribute("alpha", 1e-4))
    beta = round(float(call.attribute("beta", 0.75)), 6)
    if beta not in _BETAS:
        raise call.refusal(f"has beta = {beta:g}", expected="Expected 0.5, 0.75 or 1.")
    channels = np.arange(x.shape[1])
    away = channels[:, np.newaxis] - channels  # of the channel that is summed
    near = (away >= -((size - 1) // 2)) & (away <= size // 2)
    swap = list(range(len(x.axes)))
    swap[1], swap[-1] = swap[-1], swap[1]
    squares = x.renamed(call.add(Mul(), [x.name, x.name], "squares"))
    bias = np.full(1, float(call.attribute("bias", 1.0)))
    divisor = dense(
        call, squares.transposed(swap), near * alpha / size, bias, part="sums"
    ).transposed(swap)
    factor = raised(call, divisor, -beta)
    return pair(call, Mul(), x, factor, "normal")


def _standardized(call: Call) -> View:
    """Less its mean, by its standard deviation."""
    x = call.view()
    axes = call.axes(call.attribute("axes", [0, 2, 3]), len(x.axes))
    return centred(call, x, axes, 0.0)


SUMS: Mapping[str, Reader] = {
    "CumSum": _running_sum,
    "LRN": _by_neighbours,
    "MeanVarianceNormalization": _standardized,
    "ReduceL1": _absolute_sum,
    "ReduceL2": _length,
    "ReduceLogSum": _logarithm_of_sum,
    "ReduceLogSumExp": _logarithm_of_exponentials,
}
"""By operator."""
