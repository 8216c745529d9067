"""Finds the channels of a float graph that can be removed, and removes them.

A bundle is a set of channels that can only be removed together: a channel of a layer's output with
all channels coupled to it by additions, depthwise layers, concatenations, flattening and shared
weights, including rows and columns of weights. The analysis follows the graph and does not depend
on layer names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters
from tinycomp.ops._binary import BinaryOperator
from tinycomp.passes._channels import Indices, Mask, channels, mixes, narrowed, narrows, ties

Option = TypeVar("Option")


class Axis(NamedTuple):
    """An axis along which a tensor or a constant has channels."""

    value: str
    """The name of the tensor or constant."""
    axis: int
    """Counted from 0; -1 of tensors."""


class _Link(NamedTuple):
    """Pairs of coupled channels of two axes: both are removed, or neither."""

    first: Axis
    """The first axis."""
    first_channels: Indices
    """Channels of the first axis, paired with `second_channels`."""
    second: Axis
    """The second axis."""
    second_channels: Indices
    """Channels of the second axis."""


@dataclass(frozen=True, eq=False)
class Group:
    """Bundles that span the same layers."""

    bundles: Indices
    """Numbers of the bundles, in the order of the channels."""
    layers: tuple[str, ...]
    """Names of the nodes whose weights compute these channels, in the order of the graph."""

    @property
    def name(self) -> str:
        """Up to four layer names, for messages."""
        more = f" and {len(self.layers) - 4} more" if len(self.layers) > 4 else ""
        return ", ".join(self.layers[:4]) + more


@dataclass(frozen=True, eq=False)
class ChannelGroups:
    """The bundles of a graph, and groups of the bundles that can be removed."""

    graph: Graph
    """A float graph."""
    numbers: Mapping[Axis, Indices]
    """For each axis the bundle number of each channel."""
    groups: tuple[Group, ...]
    """Groups of removable bundles, in the order of their first layers."""

    @property
    def size(self) -> int:
        """The largest bundle number plus one."""
        return 1 + max(int(each.max()) for each in self.numbers.values() if each.size)

    def axis_of(self, node: Node) -> Indices:
        """The bundles of the output channels of a node."""
        return self.numbers[Axis(node.outputs[0], -1)]

    def rows(self, node: Node) -> Array:
        """The weights of a node, (output channels, weights a channel), float64."""
        assert node.op.weight_axis is not None
        values = self.graph.constants[node.inputs[1]].values
        return matrix_of(values, node.op.weight_axis)

    def best(self, scores: NDArray[np.float64], counts: Sequence[int]) -> Mask:
        """A mask over bundles that keeps those with the highest scores in each group.

        Args:
            scores: indexed by bundle number.
            counts: the number of bundles to keep in each group, at least 1.
        """
        kept = np.ones(self.size, bool)
        for group, count in zip(self.groups, counts, strict=True):
            order = np.argsort(-scores[group.bundles], kind="stable")
            kept[group.bundles[order[count:]]] = False
        return kept

    def by_tensor(self, kept: Mask) -> dict[str, Mask]:
        """The masks of kept channels by tensor, from a mask over bundles."""
        return {
            axis.value: kept[numbers]
            for axis, numbers in self.numbers.items()
            if axis.value in self.graph.tensors
        }

    def narrow(self, kept: Mask) -> Graph:
        """The graph with only the kept bundles; the mask is indexed by bundle number."""
        masks = {axis: kept[numbers] for axis, numbers in self.numbers.items()}
        constants = {
            name: _narrowed_constant(constant, masks)
            for name, constant in self.graph.constants.items()
        }
        tensors = {
            name: replace(tensor, shape=(*tensor.shape[:-1], int(masks[Axis(name, -1)].sum())))
            if tensor.shape
            else tensor
            for name, tensor in self.graph.tensors.items()
        }
        nodes = [
            replace(node, op=narrowed(node.op, masks[Axis(node.outputs[0], -1)]))
            for node in self.graph.nodes
        ]
        found = replace(self.graph, nodes=tuple(nodes), tensors=tensors, constants=constants)
        for node in found.nodes:
            shapes = [value.shape for value in found.operands(node).inputs]
            assert node.op.infer_shape(shapes) == tensors[node.outputs[0]].shape, node.name
        return found

    def by_group(self, by_layer: Mapping[str, Option]) -> list[Option | None]:
        """The option of each group, or None, from options by layer names or patterns; later ones
        win.

        Raises:
            TinycompError: a pattern matches no layer whose channels can be removed.
        """
        found: list[Option | None] = [None] * len(self.groups)
        for pattern, option in by_layer.items():
            matched = [
                number
                for number, group in enumerate(self.groups)
                if any(fnmatchcase(name, pattern) for name in group.layers)
            ]
            for number in matched:
                found[number] = option
            if not matched:
                raise TinycompError(
                    f"'{pattern}' matches no layer whose channels can be removed.",
                    expected=self.describe_groups(),
                )
        return found

    def describe_groups(self) -> str:
        """The layers whose channels can be removed, for messages."""
        if not self.groups:
            return "Expected a model with layers whose channels can be removed: it has none."
        return f"Expected some of {'; '.join(group.name for group in self.groups)}."


def channel_groups(graph: Graph) -> ChannelGroups:
    """The groups of a float graph.

    Not removable are channels of the model's input and output, of operators that the analysis does
    not support, and of tensors that are not computed by a layer with weights.
    """
    links, fixed = _links(graph)
    numbers = _numbered(graph, links)
    stays = np.zeros(1 + max(int(each.max(initial=0)) for each in numbers.values()), bool)
    for name in fixed:
        stays[numbers[Axis(name, -1)]] = True
    return ChannelGroups(graph, numbers, tuple(_grouped(graph, numbers, stays)))


def matrix_of(values: Array, axis: int) -> Array:
    """Weights as (channels, weights a channel), float64."""
    moved = np.moveaxis(np.asarray(values, np.float64), axis, 0)
    return moved.reshape(len(moved), -1)


def _numbered(graph: Graph, links: Sequence[_Link]) -> dict[Axis, Indices]:
    """A number for each channel of each axis; linked channels get the smallest of theirs."""
    sizes = {Axis(name, -1): channels(tensor) for name, tensor in graph.tensors.items()}
    for link in links:
        for axis in (link.first, link.second):
            if axis.value in graph.constants:
                sizes[axis] = graph.constants[axis.value].shape[axis.axis]
    ends = np.cumsum(list(sizes.values()))
    numbers = {
        axis: np.arange(end - size, end)
        for (axis, size), end in zip(sizes.items(), ends, strict=True)
    }
    before = -1
    while before != (before := sum(int(each.sum()) for each in numbers.values())):
        for first, mine, second, other in links:
            least = np.minimum(numbers[first][mine], numbers[second][other])
            np.minimum.at(numbers[first], mine, least)
            np.minimum.at(numbers[second], other, least)
    return numbers


def _links(graph: Graph) -> tuple[list[_Link], set[str]]:
    """The links between channels, and the tensors whose channels can't be removed."""
    links: list[_Link] = []
    fixed = {*graph.inputs, *graph.outputs}
    for node in graph.nodes:
        tensors = [name for name in (*node.inputs, *node.outputs) if name in graph.tensors]
        found = list(_linked(graph, node)) if narrows(node.op) else None
        if found is None or None in found:
            fixed.update(tensors)
        for link in found or ():
            links.extend([] if link is None else [link])
        if isinstance(node.op, BinaryOperator):  # a broadcast scalar has no channels
            fixed.update(name for name in tensors if channels(graph.tensors[name]) == 1)
    return links, fixed


def _linked(graph: Graph, node: Node) -> Iterator[_Link | None]:
    """The links of a node whose channels can be removed; None for an input without channels."""
    operands, output = graph.operands(node), Axis(node.outputs[0], -1)
    count = channels(operands.output)
    every = np.arange(count)
    sources = [name for name in node.inputs if name in graph.tensors]
    axis = node.op.weight_axis
    if axis is not None:
        weights, bias = (graph.constants.get(name) for name in node.inputs[1:])
        if weights is None or bias is None:
            yield None
            return
        yield _Link(output, every, Axis(weights.name, axis), every)
        yield _Link(output, every, Axis(bias.name, 0), every)
        if mixes(node.op):
            inputs = np.arange(weights.shape[-1])
            yield _Link(Axis(sources[0], -1), inputs, Axis(weights.name, weights.values.ndim - 1),
                        inputs)  # fmt: skip
            return
    elif operands.constants:
        yield from _constant_links(operands.constants, output, count)
    for source, tie in zip(sources, ties(node.op, operands), strict=True):
        one = isinstance(node.op, BinaryOperator) and channels(graph.tensors[source]) == 1 < count
        if not one:
            yield _Link(Axis(source, -1), tie.source, output, tie.target)


def _constant_links(
    constants: Sequence[Constant], output: Axis, count: int
) -> Iterator[_Link | None]:
    """The links of constant operands with one value per channel, or a single value."""
    every = np.arange(count)
    for constant in constants:
        last = constant.shape[-1] if constant.shape else 1
        if last == count:
            yield _Link(output, every, Axis(constant.name, constant.values.ndim - 1), every)
        elif last != 1:
            yield None


def _grouped(graph: Graph, numbers: Mapping[Axis, Indices], stays: Mask) -> list[Group]:
    """The removable bundles, grouped by the axes that they span."""
    axes: dict[int, list[int]] = {}
    for number, bundles in enumerate(numbers.values()):
        for bundle in set(bundles.tolist()):
            axes.setdefault(bundle, []).append(number)
    alike: dict[tuple[int, ...], list[int]] = {}
    for bundle, found in axes.items():
        if not stays[bundle]:
            alike.setdefault(tuple(found), []).append(bundle)
    groups = []
    for numbered in alike.values():
        bundles = np.array(sorted(numbered))
        names = tuple(
            node.name
            for node in graph.nodes
            if node.op.weight_axis is not None
            and np.isin(numbers[Axis(node.outputs[0], -1)], bundles).any()
        )
        if names and len(bundles) > 1:
            groups.append(Group(bundles, names))
    order = [node.name for node in graph.nodes]
    return sorted(groups, key=lambda group: (order.index(group.layers[0]), group.bundles[0]))


def _narrowed_constant(constant: Constant, masks: Mapping[Axis, Mask]) -> Constant:
    """The constant with the masked channels removed along each of its axes."""
    values, grid = constant.values, constant.grid
    for axis in range(values.ndim):
        mask = masks.get(Axis(constant.name, axis))
        if mask is not None:
            values = np.compress(mask, values, axis=axis)
            grid = _sliced(grid, axis, mask)
    return replace(constant, values=np.ascontiguousarray(values), grid=grid)


def _sliced(
    known: QuantizationParameters | None, axis: int, mask: Mask
) -> QuantizationParameters | None:
    if known is None or known.axis != axis:
        return known
    return replace(
        known,
        scales=tuple(np.compress(mask, known.scales).tolist()),
        zero_points=tuple(np.compress(mask, known.zero_points).tolist()),
    )
