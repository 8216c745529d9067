"""Convolutions that become several: grouped ones, a convolution for each group, and transposed
ones, a convolution for each phase of the stride. All sums stay the same.

A transposed convolution of stride s computes every s-th row from the same taps of its kernel: s row
phases times s column phases are ordinary convolutions of stride 1, whose outputs lie side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Pair, Window
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depth_to_space import DepthToSpace
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.transpose import Transpose

H = TypeVar("H")
Channels = NDArray[np.int64]
"""For each output channel of a new layer, the channel of the original layer that it computes."""


class Maker(Protocol[H]):
    """Makes nodes and constants in a frontend's own terms."""

    def add(self, op: Operator, inputs: Sequence[H], part: str) -> H:
        """A node's output; `part` names it among the layer's, "" is the layer's own output."""

    def weights(self, values: Array, channels: Channels, part: str) -> H:
        """Weights whose output channels are these of the original layer."""

    def bias(self, channels: Channels, part: str) -> H:
        """The original bias of these channels."""


@dataclass(frozen=True)
class Transposed:
    """A transposed convolution."""

    stride: Pair
    """Down and right."""
    before: Pair
    """Rows and columns of its result that are cut off at the top and on the left."""
    source: Pair
    """Height and width of its input."""
    target: Pair
    """Height and width of its output."""
    activation: Activation = Activation.NONE
    """Fused with it."""


class _Taps(NamedTuple):
    """One axis of a phase's window."""

    places: tuple[int, ...]
    """For each cell of the window the place in the kernel; -1: none, a weight of zero."""
    padding: Pair
    """Before and behind."""


def transposed(make: Maker[H], x: H, weights: Array, layer: Transposed) -> H:
    """The output of a transposed convolution with weights (out, height, width, in)."""
    stride, channels = layer.stride, np.arange(len(weights))
    count = tuple(-(-size // step) for size, step in zip(layer.target, stride, strict=True))
    axes = [
        [
            _taps(phase, weights.shape[1 + axis], stride[axis], layer.before[axis],
                  layer.source[axis], count[axis])
            for phase in range(stride[axis])
        ]
        for axis in (0, 1)
    ]  # fmt: skip
    pairs = [(row, column) for row in axes[0] for column in axes[1]]
    after = _interleaved(layer, (count[0], count[1]), len(weights))
    kernels = [_picked(weights, *pair) for pair in pairs]
    windows = [_window(*pair) for pair in pairs]
    if len({*windows}) == 1:
        every = np.tile(channels, len(pairs))
        packed = np.concatenate(kernels)
        inputs = [x, make.weights(packed, every, "phases"), make.bias(every, "phases")]
        joined = make.add(Conv2D(windows[0], layer.activation), inputs, _part(after, "phases"))
    else:
        parts = []
        for number, (kernel, window) in enumerate(zip(kernels, windows, strict=True)):
            part = f"phase{number}"
            inputs = [x, make.weights(kernel, channels, part), make.bias(channels, part)]
            parts.append(make.add(Conv2D(window, layer.activation), inputs, part))
        joined = make.add(Concatenation(2), parts, _part(after, "phases"))
    for number, op in enumerate(after):
        joined = make.add(op, [joined], _part(after[number + 1 :], f"moved{number}"))
    return joined


def grouped(
    make: Maker[H], x: H, weights: Array, window: Window, source: Shape, activation: Activation
) -> H:
    """The output of a convolution with groups and weights (out, height, width, in of a group).

    Args:
        make: makes nodes.
        x: the input.
        weights: of all groups.
        window: of all groups.
        source: the input's shape.
        activation: fused with it.
    """
    outputs, own = len(weights), weights.shape[3]
    groups, every = source[2] // own, np.arange(len(weights))
    if own == 1:
        one_by_one = np.ascontiguousarray(weights.transpose(3, 1, 2, 0))
        inputs = [x, make.weights(one_by_one, every, "weights"), make.bias(every, "bias")]
        op = DepthwiseConv2D(window, multiplier=outputs // groups, activation=activation)
        return make.add(op, inputs, "")
    parts = []
    for group, channels in enumerate(np.split(every, groups)):
        part = f"group{group}"
        cells = ((0, source[0], 1), (0, source[1], 1), (group * own, own, 1))
        piece = make.add(StridedSlice(cells), [x], f"{part}/input")
        kernel = np.ascontiguousarray(weights[channels])
        inputs = [piece, make.weights(kernel, channels, part), make.bias(channels, part)]
        parts.append(make.add(Conv2D(window, activation), inputs, part))
    return make.add(Concatenation(2), parts, "")


def _part(rest: Sequence[Any], name: str) -> str:
    """A part's name; "" for the last one."""
    return name if rest else ""


def _taps(phase: int, size: int, step: int, before: int, source: int, count: int) -> _Taps:
    """Of the outputs phase, phase + step, ...: output i reads cell i + o of the input times the
    kernel's place phase + before - step * o.
    """
    at = phase + before
    offsets = [(at - place) // step for place in range(at % step, size, step)]
    first = min([0, *offsets])
    last = max([source - count, *offsets, *([] if offsets else [first])])
    places = (phase + before - step * offset for offset in range(first, last + 1))
    inside = tuple(place if 0 <= place < size else -1 for place in places)
    return _Taps(inside, (-first, count - 1 + last - (source - 1)))


def _window(rows: _Taps, columns: _Taps) -> Window:
    (top, bottom), (left, right) = rows.padding, columns.padding
    kernel = len(rows.places), len(columns.places)
    return Window(kernel, padding=(top, left, bottom, right))


def _picked(weights: Array, rows: _Taps, columns: _Taps) -> Array:
    """The kernel's taps of one phase."""
    zeros = np.zeros_like(weights[:, :1])
    tall = np.concatenate([weights, zeros], axis=1)[:, list(rows.places)]
    wide = np.concatenate([tall, np.zeros_like(tall[:, :, :1])], axis=2)
    return np.ascontiguousarray(wide[:, :, list(columns.places)])


def _interleaved(layer: Transposed, count: Pair, outputs: int) -> list[Operator]:
    """The operators that bring phases from channels into rows and columns."""
    (down, right), (height, width) = layer.stride, layer.target
    ops: list[Operator] = []
    whole = (count[0] * down, count[1] * right, outputs)
    if down == right > 1:
        ops.append(DepthToSpace(down))
    elif down * right > 1:
        ops.append(Reshape((*count, down, right, outputs)))
        ops += [Transpose((0, 2, 1, 3, 4)), Reshape(whole)]
    if (height, width) != whole[:2]:
        ops.append(StridedSlice(((0, height, 1), (0, width, 1), (0, outputs, 1))))
    return ops
