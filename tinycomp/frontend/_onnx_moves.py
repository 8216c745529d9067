"""Operators of ONNX that only move or rename values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_views import Factor, View, inner_shape, view
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops.depth_to_space import DepthToSpace
from tinycomp.ops.embedding import Embedding
from tinycomp.ops.gather import Gather
from tinycomp.ops.pad import Pad
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.tile import Tile

Part = tuple[int, int, int]


_WHOLE = (6, 7)
"""int32 and int64, of row numbers that the model's input holds (frontend/_onnx_numbers.py)."""


def _identity(call: Call) -> View:
    return call.view()


def _cast(call: Call) -> View:
    """Between real types nothing changes, and nothing where the values are whole already."""
    wanted, name = int(call.attribute("to", 1)), call.view().name
    rows = wanted in _WHOLE and call.weaver.producer(name) is None
    numbers = rows or name in call.weaver.whole
    if wanted not in (1, 10, 11, 16) and not numbers:
        raise call.refusal(
            "converts computed values to whole numbers or booleans",
            expected="Expected a real type.",
        )
    return call.view()


def _dropout(call: Call) -> Sequence[View]:
    """The first output; there is no mask."""
    training = call.constant(2, "a mode")
    if training is not None and training.any():
        raise call.refusal("drops values out", hint="Export the model after model.eval().")
    return [call.view()]


def _reshape(call: Call) -> View:
    x, wanted = call.view(), call.listed(1, "shape")
    assert wanted is not None
    keeps_zero = bool(call.attribute("allowzero", 0))
    sizes = [
        x.shape[place] if size == 0 and not keeps_zero and place < len(x.shape) else size
        for place, size in enumerate(wanted)
    ]
    return _shaped(call, x, sizes)


def _shaped(call: Call, x: View, sizes: Sequence[int]) -> View:
    total = math.prod(x.shape)
    rest = math.prod(size for size in sizes if size != -1)
    full = tuple(total // rest if size == -1 and rest else int(size) for size in sizes)
    if math.prod(full) != total or min(full, default=1) < 1:
        raise call.refusal(
            f"gives a tensor of shape {x.shape} the shape {tuple(sizes)}",
            expected="Expected as many values.",
            hint="Export the model for a batch of 1.",
        )
    return call.weaver.as_shape(x, full)


def _flatten(call: Call) -> View:
    x = call.view()
    axis = int(call.attribute("axis", 1))
    axis = axis + len(x.shape) if axis < 0 else axis
    return _shaped(call, x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


def _squeeze(call: Call) -> View:
    x = call.view()
    given = call.listed(1, "axes")
    gone = call.axes(given, len(x.shape)) if given is not None else tuple(
        axis for axis, size in enumerate(x.shape) if size == 1
    )  # fmt: skip
    if any(x.shape[axis] != 1 for axis in gone):
        raise call.refusal(
            f"removes the axes {gone} of {x.shape}", expected="Expected axes of length 1."
        )
    return View(x.name, tuple(own for axis, own in enumerate(x.axes) if axis not in gone), x.order)


def _unsqueeze(call: Call) -> View:
    x = call.view()
    given = call.listed(1, "axes") or []
    axes: list[tuple[Factor, ...]] = list(x.axes)
    for axis in sorted(call.axes(given, len(x.axes) + len(given))):
        axes.insert(axis, ())
    return View(x.name, tuple(axes), x.order)


def _transpose(call: Call) -> View:
    x = call.view()
    order = call.attribute("perm") or list(range(len(x.axes)))[::-1]
    return x.transposed(call.axes(order, len(x.axes)))


def _parts(call: Call, x: View, parts: Sequence[Part], part: str = "") -> View:
    """A part of each of ONNX's axes."""
    shape = tuple(count for _, count, _ in parts)
    if all(first == 0 and step == 1 and count == size
           for (first, count, step), size in zip(parts, x.shape, strict=True)):  # fmt: skip
        return x
    x, order = call.weaver.blocks(x)
    places = [axis for axis in order if x.shape[axis] > 1]
    source = call.weaver.reshape(x.name, tuple(x.shape[axis] for axis in places))
    name = call.add(StridedSlice(tuple(parts[axis] for axis in places)), [source], part)
    return view(call.weaver.reshape(name, inner_shape(shape, order)), shape, order)


def _slice(call: Call) -> View:
    x = call.view()
    starts, ends = call.listed(1, "starts"), call.listed(2, "ends")
    assert starts is not None
    assert ends is not None
    axes = call.listed(3, "axes")
    axes = list(range(len(starts))) if axes is None else axes
    steps = call.listed(4, "steps") or [1] * len(starts)
    parts: list[Part] = [(0, size, 1) for size in x.shape]
    for axis, start, end, step in zip(
        call.axes(axes, len(x.shape)), starts, ends, steps, strict=True
    ):
        # An end far below zero means down to the first cell.
        stop = None if step < 0 and end < -x.shape[axis] else end
        cells = range(x.shape[axis])[slice(start, stop, step)]
        if not cells:
            raise call.refusal(f"takes no cell of axis {axis} of {x.shape}")
        parts[axis] = (cells.start, len(cells), cells.step)
    return _parts(call, x, parts)


def _split(call: Call) -> Sequence[View]:
    x = call.view()
    (axis,) = call.axes([int(call.attribute("axis", 0))], len(x.shape))
    count, size = len(call.node.outputs), x.shape[axis]
    each = -(-size // count)
    sizes = call.listed(1, "split") or [min(each, size - each * number) for number in range(count)]
    if sum(sizes) != size or len(sizes) != count or min(sizes) < 1:
        raise call.refusal(f"splits axis {axis} of {x.shape} into {sizes}")
    found = []
    for number, length in enumerate(sizes):
        parts: list[Part] = [(0, each, 1) for each in x.shape]
        parts[axis] = (sum(sizes[:number]), length, 1)
        found.append(_parts(call, x, parts, str(number)))
    return found


def _gather(call: Call) -> View:
    """Cells of an axis by constant indices, or rows of a constant table by computed ones."""
    if isinstance(call.inputs[0], np.ndarray):
        return _looked_up(call, call.inputs[0])
    x, indices = call.view(), call.required(1, "indices")
    (axis,) = call.axes([int(call.attribute("axis", 0))], len(x.shape))
    size = x.shape[axis]
    places = [int(each) % size for each in indices.ravel()]
    found = picked(call, x, axis, places)
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    return call.weaver.as_shape(found, shape)


def _looked_up(call: Call, table: Array) -> View:
    """Rows of a table: an embedding."""
    numbers = call.view(1)
    if table.ndim != 2 or int(call.attribute("axis", 0)) not in (0, -2):
        raise call.refusal(
            f"looks up cells of a table of shape {table.shape}",
            expected="Expected rows of a table of two axes.",
        )
    plain = range(len(numbers.shape))
    source = call.weaver.take(numbers, plain, inner_shape(numbers.shape, plain))
    rows = call.weaver.builder.constant(call.node.inputs[0], table)
    return view(call.add(Embedding(), [source, rows]), (*numbers.shape, table.shape[1]))


def picked(call: Call, x: View, axis: int, places: Sequence[int], part: str = "") -> View:
    """The cells of an axis in these places."""
    size = x.shape[axis]
    steps = {after - before for before, after in itertools.pairwise(places)} or {1}
    if len(steps) == 1 and 0 not in steps:
        parts: list[Part] = [(0, each, 1) for each in x.shape]
        parts[axis] = (places[0], len(places), steps.pop())
        return _parts(call, x, parts, part)
    shape = (*x.shape[:axis], len(places), *x.shape[axis + 1 :])
    x, order = call.weaver.blocks(x)
    inner = [each for each in order if x.shape[each] > 1 or each == axis]
    source = call.weaver.reshape(x.name, tuple(x.shape[each] for each in inner))
    assert size >= 1
    name = call.add(Gather(tuple(places), inner.index(axis)), [source], part)
    return view(call.weaver.reshape(name, inner_shape(shape, order)), shape, order)


def _pad(call: Call) -> View:
    """Values of any kind around a tensor; negative numbers cut cells off."""
    x = call.view()
    rank, mode = len(x.shape), call.attribute("mode", "constant")
    given = call.attribute("paddings") or call.listed(1, "pads")
    assert given is not None
    axes = call.constant(3, "axes")
    named = range(rank) if axes is None else call.axes([int(a) for a in axes.ravel()], rank)
    pairs = [(0, 0)] * rank
    for place, axis in enumerate(named):
        pairs[axis] = (given[place], given[place + len(given) // 2])
    cut: list[Part] = [
        (max(0, -before), size + min(0, before) + min(0, after), 1)
        for size, (before, after) in zip(x.shape, pairs, strict=True)
    ]
    if min(count for _, count, _ in cut) < 1:
        raise call.refusal(f"cuts {pairs} off a tensor of shape {x.shape}")
    x = _parts(call, x, cut, "cut")
    pairs = [(max(0, before), max(0, after)) for before, after in pairs]
    if not any(map(any, pairs)):
        return x
    if mode != "constant":
        for axis, (before, after) in enumerate(pairs):
            if before or after:
                how = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}[mode]
                places = np.pad(np.arange(x.shape[axis]), (before, after), mode=how)  # type: ignore[call-overload]
                x = picked(call, x, axis, [int(each) for each in places], f"border{axis}")
        return x
    value = float(call.attribute("value", 0.0))
    constant = call.constant(2, "a value")
    if constant is not None and constant.size:
        value = float(constant.reshape(-1)[0])
    return padded(call, x, pairs, value)


def padded(
    call: Call, x: View, pairs: Sequence[tuple[int, int]], value: float = 0.0, part: str = ""
) -> View:
    """A constant that is not zero is shifted to zero and back."""
    if not np.isfinite(value):
        raise call.refusal(f"pads with {value}", expected="Expected a finite number.")
    x, order = call.weaver.blocks(x)
    places = [axis for axis in order if axis or x.shape[0] > 1 or any(pairs[0])]
    while len(places) > 3 and any(x.shape[a] == 1 and not any(pairs[a]) for a in places):
        places.remove(next(a for a in places if x.shape[a] == 1 and not any(pairs[a])))
    if value:
        x = call.scaled(x, 1.0, -value, "shifted")
    source = call.weaver.reshape(x.name, tuple(x.shape[axis] for axis in places))
    title = "padded" if value else part
    name = call.add(Pad(tuple(pairs[axis] for axis in places)), [source], title)
    shape = tuple(
        before + size + after for size, (before, after) in zip(x.shape, pairs, strict=True)
    )
    found = view(call.weaver.reshape(name, inner_shape(shape, order)), shape, order)
    return call.scaled(found, 1.0, value) if value else found


def _expand(call: Call) -> View:
    x, wanted = call.view(), call.listed(1, "shape")
    assert wanted is not None
    try:
        shape = np.broadcast_shapes(x.shape, tuple(wanted))
    except ValueError:
        raise call.refusal(f"repeats a tensor of shape {x.shape} to {wanted}") from None
    whole = View(x.name, ((),) * (len(shape) - len(x.axes)) + x.axes, x.order)
    times = [size // own for size, own in zip(shape, whole.shape, strict=True)]
    return _tiled(call, whole, times)


def _tile(call: Call) -> View:
    x, times = call.view(), call.listed(1, "repeats")
    assert times is not None
    return _tiled(call, x, times)


def _tiled(call: Call, x: View, times: Sequence[int]) -> View:
    shape: Shape = tuple(size * count for size, count in zip(x.shape, times, strict=True))
    if max(times, default=1) == 1:
        return x
    x, order = call.weaver.blocks(x)
    places = [axis for axis in order if x.shape[axis] > 1 or times[axis] > 1]
    source = call.weaver.reshape(x.name, tuple(x.shape[axis] for axis in places))
    name = call.add(Tile(tuple(times[axis] for axis in places)), [source])
    return view(call.weaver.reshape(name, inner_shape(shape, order)), shape, order)


def _depth_to_space(call: Call) -> View:
    x, block = call.view(), int(call.attribute("blocksize", 1))
    if len(x.shape) != 4 or x.shape[1] % block**2:
        raise call.refusal(f"spreads {block} x {block} channels of a tensor of shape {x.shape}")
    batch, channels, height, width = x.shape
    inner = channels // block**2
    shape = (batch, inner, height * block, width * block)
    if call.attribute("mode", "DCR") == "DCR":
        name = call.add(DepthToSpace(block), [call.weaver.image(x)])
        return view(name, shape, (0, 2, 3, 1))
    apart = call.weaver.as_shape(x, (batch, inner, block, block, height, width))
    return call.weaver.as_shape(apart.transposed((0, 1, 4, 2, 5, 3)), shape)


def _space_to_depth(call: Call) -> View:
    x, block = call.view(), int(call.attribute("blocksize", 1))
    if len(x.shape) != 4 or x.shape[2] % block or x.shape[3] % block:
        raise call.refusal(f"gathers {block} x {block} cells of a tensor of shape {x.shape}")
    batch, channels, height, width = x.shape
    if call.attribute("mode", "DCR") != "DCR":
        apart = (batch, channels, height // block, block, width // block, block)
        turned = call.weaver.as_shape(x, apart).transposed((0, 1, 3, 5, 2, 4))
        whole = (batch, channels * block**2, height // block, width // block)
        return call.weaver.as_shape(turned, whole)
    name = call.add(DepthToSpace(block, inverse=True), [call.weaver.image(x)])
    shape = (batch, channels * block**2, height // block, width // block)
    return view(name, shape, (0, 2, 3, 1))


MOVES: Mapping[str, Reader] = {
    "Cast": _cast,
    "DepthToSpace": _depth_to_space,
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Identity": _identity,
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""By operator."""
