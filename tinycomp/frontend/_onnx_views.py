"""How tensors lie in memory while an ONNX graph is read.

ONNX has channels before height and width, this project behind them. An axis consists of factors,
and a tensor's memory is an order of all factors: so transpositions and reshapes, a Flatten of an
image included, change only this description, and a node that wants another order adds a
transposition if, and only if, values have to move. Axes of length 1 have no factors: batches,
squeezes and unsqueezes need no care.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tinycomp.ir.graph import GraphBuilder, Node
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import QuantizationParameters, Shape
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.transpose import Transpose


@dataclass(frozen=True, eq=False)
class Factor:
    """Part of an axis; axis 6 may be 2 x 3."""

    size: int
    """At least 2."""


@dataclass(frozen=True)
class View:
    """A computed tensor as ONNX sees it, and its memory."""

    name: str
    """The tensor of the graph, in any shape."""
    axes: tuple[tuple[Factor, ...], ...]
    """For each of ONNX's axes its factors, outermost first."""
    order: tuple[Factor, ...]
    """All factors as they lie in memory, outermost first."""

    @property
    def shape(self) -> Shape:
        """As ONNX sees it."""
        return tuple(math.prod(factor.size for factor in axis) for axis in self.axes)

    def transposed(self, order: Sequence[int]) -> View:
        """ONNX's axes in another order; nothing moves."""
        return View(self.name, tuple(self.axes[axis] for axis in order), self.order)

    def renamed(self, name: str) -> View:
        """Another tensor with the same memory."""
        return View(name, self.axes, self.order)

    def reshaped(self, shape: Shape) -> View | None:
        """ONNX's axes in another shape; None where values would have to move."""
        rest = [factor for axis in self.axes for factor in axis]
        order, axes = list(self.order), []
        for size in shape:
            axis: list[Factor] = []
            while size > 1:
                factor = rest.pop(0)
                if size % factor.size and factor.size % size:
                    return None
                if factor.size > size:
                    outer, inner = Factor(size), Factor(factor.size // size)
                    place = order.index(factor)
                    order[place : place + 1] = [outer, inner]
                    rest.insert(0, inner)
                    factor = outer
                axis.append(factor)
                size //= factor.size
            axes.append(tuple(axis))
        return _joined(View(self.name, tuple(axes), tuple(order)))

    def axis_order(self) -> tuple[int, ...] | None:
        """The axes as they lie in memory; None if one of them lies in several places.

        An axis of length 1 is where channels-last order has it, or else ONNX's order.
        """
        found: list[int] = []
        behind: list[Factor] = []
        for factor in self.order:
            axis = next(each for each, own in enumerate(self.axes) if factor in own)
            if axis not in found:
                found.append(axis)
                behind += self.axes[axis]
        if behind != list(self.order):
            return None
        plain, last = tuple(range(len(self.axes))), channels_last(len(self.axes))
        for whole in (last, plain) if len(plain) > 3 else (plain, last):
            if [axis for axis in whole if axis in found] == found:
                return whole
        return (*(axis for axis in plain if axis not in found), *found)


def channels_last(rank: int) -> tuple[int, ...]:
    """The axes of (batch, channels, ...) with the channels behind."""
    return (0, *range(2, rank), 1) if rank > 2 else tuple(range(rank))


def view(name: str, shape: Shape, order: Sequence[int] | None = None) -> View:
    """A tensor of ONNX's shape whose axes lie in memory in that order."""
    axes = tuple((Factor(size),) if size > 1 else () for size in shape)
    places = range(len(shape)) if order is None else order
    return View(name, axes, tuple(factor for axis in places for factor in axes[axis]))


def inner_shape(shape: Shape, order: Sequence[int]) -> Shape:
    """The graph's shape of a tensor with these axes in memory: without the batch."""
    sizes = tuple(shape[axis] for axis in order if axis or shape[0] > 1)
    return sizes or (1,)


@dataclass
class Weaver:
    """Adds nodes to a graph, and the moves that bring views into the order that nodes want."""

    builder: GraphBuilder
    """Receives them."""
    rounding: dict[str, QuantizationParameters] = field(default_factory=dict)
    """Parameters that the file prescribes, by tensor."""
    moved: dict[tuple[str, tuple[Factor, ...]], str] = field(default_factory=dict)
    """Tensors that were transposed already."""
    known: dict[tuple[str, Shape], str] = field(default_factory=dict)
    """Tensors that were reshaped already."""
    whole: set[str] = field(default_factory=set)
    """Tensors whose values are whole numbers: results of comparisons, rounded values."""

    def shape(self, name: str) -> Shape:
        """A tensor's in the graph."""
        return self.builder.tensors[name].shape

    def producer(self, name: str) -> Node | None:
        """The node that computes a tensor, behind reshapes."""
        node = next((each for each in reversed(self.builder.nodes) if name in each.outputs), None)
        if node is not None and isinstance(node.op, Reshape):
            return self.producer(node.inputs[0])
        return node

    def add(self, op: Operator, inputs: Sequence[str], name: str) -> str:
        """Append a node; its output."""
        return self.builder.add(op, inputs, name)

    def take(self, x: View, order: Sequence[int], shape: Shape) -> str:
        """The tensor with ONNX's axes in this order in memory, in the graph's shape."""
        wanted = tuple(factor for axis in order for factor in x.axes[axis])
        return self.reshape(self._arranged(x, wanted), shape)

    def image(self, x: View) -> str:
        """(batch, channels, ...) as (..., channels)."""
        order = channels_last(len(x.axes))
        return self.take(x, order, inner_shape(x.shape, order))

    def blocks(self, x: View) -> tuple[View, tuple[int, ...]]:
        """A view in which each axis lies in one place, its tensor in the shape of its axes in
        memory; and their order.
        """
        order = x.axis_order()
        if order is None:
            order = tuple(range(len(x.axes)))
        name = self.take(x, order, inner_shape(x.shape, order))
        return view(name, x.shape, order), order

    def reshape(self, name: str, shape: Shape) -> str:
        """The tensor in another shape."""
        if self.shape(name) == shape:
            return name
        key = name, shape
        if key not in self.known:
            self.known[key] = self.add(Reshape(shape), [name], f"{name}/reshaped")
        return self.known[key]

    def as_shape(self, x: View, shape: Shape) -> View:
        """ONNX's Reshape; values move only where it makes them."""
        found = x.reshaped(shape)
        if found is None:
            name = self.take(x, range(len(x.axes)), (math.prod(x.shape),))
            found = view(name, (math.prod(x.shape),)).reshaped(shape)
        assert found is not None
        return found

    def _arranged(self, x: View, wanted: tuple[Factor, ...]) -> str:
        """The tensor with its factors in this order."""
        if wanted == x.order:
            return x.name
        key = x.name, wanted
        if key not in self.moved:
            runs = _runs(x.order, wanted)
            sizes = tuple(math.prod(factor.size for factor in run) for run in runs)
            source = self.reshape(x.name, sizes)
            order = sorted(range(len(runs)), key=lambda run: wanted.index(runs[run][0]))
            self.moved[key] = self.add(Transpose(tuple(order)), [source], f"{x.name}/transposed")
        return self.moved[key]


def _runs(order: Sequence[Factor], wanted: Sequence[Factor]) -> list[list[Factor]]:
    """The factors in memory, those together that stay together."""
    runs: list[list[Factor]] = []
    for factor in order:
        place = wanted.index(factor)
        if runs and place and runs[-1][-1] is wanted[place - 1]:
            runs[-1].append(factor)
        else:
            runs.append([factor])
    return runs


def _joined(x: View) -> View:
    """Neighbours of one axis that are neighbours in memory too as one factor."""
    order, axes = list(x.order), [list(axis) for axis in x.axes]
    for axis in axes:
        place = 0
        while place + 1 < len(axis):
            first, second = axis[place : place + 2]
            at = order.index(first)
            if order[at + 1 : at + 2] != [second]:
                place += 1
                continue
            both = Factor(first.size * second.size)
            axis[place : place + 2] = [both]
            order[at : at + 2] = [both]
    return View(x.name, tuple(map(tuple, axes)), tuple(order))
