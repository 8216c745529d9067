"""Products of matrices of ONNX. Weights take the order in which the values of a flattened image lie
in memory, so that a Flatten moves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tinycomp.frontend._onnx_arithmetic import pair
from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_views import View, inner_shape, view
from tinycomp.ir.tensor import Array
from tinycomp.ops.add import Add
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.fully_connected import FullyConnected


def _gemm(call: Call) -> View:
    """alpha * A * B + beta * C; A may be transposed by the export of a Linear of one sample."""
    x = call.view(0)
    if call.attribute("transA", 0):
        x = x.transposed((1, 0))
    alpha, beta = (float(call.attribute(name, 1.0)) for name in ("alpha", "beta"))
    if isinstance(call.inputs[1], View):
        return _gemm_of_tensors(call, x, alpha, beta)
    weights = call.required(1, "weights")
    if weights.ndim != 2:
        raise call.refusal(f"has weights of shape {weights.shape}", expected="Expected a matrix.")
    matrix = weights.T if call.attribute("transB", 0) else weights
    if len(call.inputs) > 2 and isinstance(call.inputs[2], View):
        plain = dense(call, x, alpha * matrix.astype(np.float64), np.zeros(1), part="product")
        return pair(call, Add(), plain, call.scaled(call.view(2), beta, 0.0, "beta"), "")
    known = call.constant(2, "a bias")
    sums = np.zeros(1) if known is None else beta * known.astype(np.float64)
    if sums.ndim > 1 and sums.shape[0] > 1:
        raise call.refusal(
            f"adds a bias of shape {sums.shape}", expected="Expected one for each output."
        )
    scales = call.grid(1) if alpha == 1 else None
    return dense(call, x, alpha * matrix.astype(np.float64), sums.ravel(), scales)


def _gemm_of_tensors(call: Call, x: View, alpha: float, beta: float) -> View:
    other = call.view(1)
    if call.attribute("transB", 0):
        other = other.transposed((1, 0))
    found = product(call, x, other, "product")
    known = call.constant(2, "a bias")
    if known is None:
        return call.scaled(found, alpha, 0.0)
    if known.size not in (1, found.shape[-1]):
        raise call.refusal(
            f"adds a bias of shape {known.shape}", expected="Expected one for each output."
        )
    return call.scaled(found, alpha, beta * known.ravel().astype(np.float64))


def dense(
    call: Call, x: View, matrix: Array, sums: Array, scales: Array | None = None, part: str = ""
) -> View:
    """The last axis times a matrix (in, out), whose rows take the order in memory; plus a bias."""
    length, outputs = matrix.shape
    if x.shape[-1] != length:
        raise call.refusal(f"multiplies a tensor of shape {x.shape} with a matrix {matrix.shape}")
    bias = call.weight("bias", np.broadcast_to(sums, (outputs,)))
    shape = (*x.shape[:-1], outputs)
    last = x.axes[-1]
    tail = x.order[len(x.order) - len(last) :]
    if tail != last and {*tail} == {*last}:
        sizes = [factor.size for factor in last]
        rows = matrix.reshape(*sizes, outputs).transpose(*map(last.index, tail), len(sizes))
        matrix = rows.reshape(length, outputs)
        x = View(x.name, (*x.axes[:-1], tail), x.order)
    order = _last_behind(x)
    source = call.weaver.take(x, order, inner_shape(x.shape, order))
    kernel = call.weight("kernel", matrix.T, scales)
    name = call.add(FullyConnected(), [source, kernel, bias], part)
    return view(call.weaver.reshape(name, inner_shape(shape, order)), shape, order)


def _last_behind(x: View) -> tuple[int, ...]:
    """The axes as they lie in memory, but the last one behind all others."""
    known = x.axis_order() or tuple(range(len(x.axes)))
    last = len(x.axes) - 1
    return (*(axis for axis in known if axis != last), last)


def _matmul(call: Call) -> View:
    """A constant on either side is a dense layer."""
    first, second = call.inputs[:2]
    if isinstance(first, View) and isinstance(second, View):
        return product(call, first, second, "")
    if isinstance(first, View):
        matrix = call.required(1, "weights")
        if matrix.ndim == 1:
            found = dense(call, first, matrix[:, np.newaxis].astype(np.float64), np.zeros(1))
            return View(found.name, found.axes[:-1], found.order)
        return dense(call, first, _one_matrix(call, matrix), np.zeros(1), call.grid(1))
    matrix, x = _one_matrix(call, call.required(0, "weights")), call.view(1)
    if len(x.axes) < 2:
        raise call.refusal(f"multiplies a matrix with a tensor of shape {x.shape}")
    swap = (*range(len(x.axes) - 2), len(x.axes) - 1, len(x.axes) - 2)
    return dense(call, x.transposed(swap), matrix.T, np.zeros(1)).transposed(swap)


def _one_matrix(call: Call, values: Array) -> Array:
    """Weights without leading axes of length 1."""
    if values.ndim < 2 or math.prod(values.shape[:-2]) != 1:
        raise call.refusal(
            f"has weights of shape {values.shape}", expected="Expected one matrix for all samples."
        )
    matrix: Array = values.reshape(values.shape[-2:]).astype(np.float64)
    return matrix


def product(call: Call, first: View, second: View, part: str) -> View:
    """Of two computed tensors with equal leading axes."""
    rank = max(len(first.axes), len(second.axes))
    if min(len(first.axes), len(second.axes)) < 2 or first.shape[-1] != second.shape[-2]:
        raise call.refusal(f"multiplies tensors of shapes {first.shape} and {second.shape}")
    pair_of = [View(x.name, ((),) * (rank - len(x.axes)) + x.axes, x.order)
               for x in (first, second)]  # fmt: skip
    leads = [x.shape[:-2] for x in pair_of]
    if leads[0] != leads[1]:
        raise call.refusal(
            f"multiplies tensors of shapes {first.shape} and {second.shape}",
            expected="Expected equal axes in front of the matrices.",
        )
    outer = tuple(size for size in leads[0] if size > 1)
    names, flags = [], []
    for x in pair_of:
        swapped = x.order[-1:] == x.axes[-2][-1:] and x.axes[-2] != ()
        plain = tuple(range(rank))
        order = (*plain[:-2], rank - 1, rank - 2) if swapped else plain
        names.append(call.weaver.take(x, order, (*outer, *(x.shape[a] for a in order[-2:]))))
        flags.append(swapped)
    name = call.add(BatchMatmul(flags[0], flags[1]), names, part)
    shape = (*leads[0], first.shape[-2], second.shape[-1])
    return view(call.weaver.reshape(name, inner_shape(shape, range(rank))), shape)


DENSE: Mapping[str, Reader] = {"Gemm": _gemm, "MatMul": _matmul}
"""By operator."""
