"""Concatenations of ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinycomp.frontend._onnx_arithmetic import pair
from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_moves import padded
from tinycomp.frontend._onnx_views import View, inner_shape, view
from tinycomp.ir.tensor import Array
from tinycomp.ops.add import Add
from tinycomp.ops.concatenation import Concatenation


def _concat(call: Call) -> View:
    """Of tensors, and constants between them: a class token before patches."""
    shapes = [each.shape for each in call.inputs if each is not None]
    (axis,) = call.axes([int(call.attribute("axis", 1))], len(shapes[0]))
    if len({shape[:axis] + shape[axis + 1 :] for shape in shapes}) > 1:
        raise call.refusal(f"joins tensors of shapes {shapes} along axis {axis}")
    constants = [each for each in call.inputs if isinstance(each, np.ndarray)]
    if not constants:
        return _joined(call, [each for each in call.inputs if isinstance(each, View)], axis, "")
    some = any(each.any() for each in constants)
    found = _joined(call, _spread(call, axis), axis, "joined" if some else "")
    return pair(call, Add(), found, _between(call, axis), "") if some else found


def _joined(call: Call, views: Sequence[View], axis: int, part: str) -> View:
    """In the order of axes that the largest has in memory."""
    if len(views) == 1:
        return views[0]
    _, order = call.weaver.blocks(max(views, key=lambda x: len(x.order)))
    places = [each for each in order if each or views[0].shape[0] > 1 or axis == 0]
    names = [call.weaver.take(x, order, tuple(x.shape[each] for each in places)) for x in views]
    name = call.add(Concatenation(places.index(axis)), names, part)
    shape = list(views[0].shape)
    shape[axis] = sum(x.shape[axis] for x in views)
    full = tuple(shape)
    return view(call.weaver.reshape(name, inner_shape(full, order)), full, order)


def _spread(call: Call, axis: int) -> list[View]:
    """The tensors, with zeros where constants are."""
    found: list[View] = []
    gaps = [0]
    for value in call.inputs:
        if isinstance(value, View):
            found.append(value)
            gaps.append(0)
        elif value is not None:
            gaps[-1] += value.shape[axis]
    for place, x in enumerate(found):
        pairs = [(0, 0)] * len(x.axes)
        pairs[axis] = (gaps[place], gaps[-1] if place == len(found) - 1 else 0)
        if any(pairs[axis]):
            found[place] = padded(call, x, pairs, part=f"spread{place}")
    return found


def _between(call: Call, axis: int) -> Array:
    """The constants, with zeros where tensors are."""
    parts = [
        value if isinstance(value, np.ndarray) else np.zeros(value.shape, np.float32)
        for value in call.inputs
        if value is not None
    ]
    found: Array = np.concatenate(parts, axis)
    return found


JOINS: Mapping[str, Reader] = {"Concat": _concat}
"""By operator."""
