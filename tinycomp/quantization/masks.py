"""Masks: constants far below zero, added to what a softmax reads so that some shares are zero, and
bounds of it that are computed, far below zero where a score does not count.

Files hold -1e9 or the like, which no integer scale of the scores could take. What is added lies 16
below the whole range of the scores instead, a bound 16 below the lowest of them: e^-16 is far below
a step of what a softmax returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Constant
from tinycomp.quantization.ranges import Range

BELOW = 16.0
"""How far below any other score a masked one lies."""


@dataclass(frozen=True)
class Bounded:
    """Scores that are at most bounds: a factor times 0 or 1, and an offset."""

    node: Node
    """The smaller of a score and its bound."""
    scores: str
    """The scores."""
    spread: Node
    """0 or 1 times the factor, a constant."""
    bound: Node
    """That plus the offset, a constant."""


def bounded_scores(graph: Graph) -> list[Bounded]:
    """The scores whose bounds reach below -BELOW, and that softmax alone reads."""
    written = {name: node for node in graph.nodes for name in node.outputs}
    found = []
    for node in graph.nodes:
        readers = {each.op.name for each in graph.consumers(node.outputs[0])}
        if node.op.name != "extremum" or readers != {"softmax"}:
            continue
        for scores, name in (node.inputs, node.inputs[::-1]):
            bound = written.get(name)
            spread = written.get(bound.inputs[0]) if bound else None
            if bound is None or spread is None or spread.op.name != "mul":
                continue
            offset, factor = (graph.constants.get(each.inputs[1]) for each in (bound, spread))
            low = bound.op.name == "add_constant" and offset is not None and factor is not None
            if low and offset is not None and offset.values.max() < -BELOW:
                found.append(Bounded(node, scores, spread, bound))
    return found


def masked_sums(graph: Graph) -> list[Node]:
    """The sums with a constant below -BELOW that softmax alone reads."""
    return [
        node
        for node in graph.nodes
        if node.op.name == "add_constant"
        and node.outputs[0] not in graph.outputs
        and {each.op.name for each in graph.consumers(node.outputs[0])} == {"softmax"}
        and any(
            name in graph.constants and graph.constants[name].values.min() < -BELOW
            for name in node.inputs
        )
    ]


def with_bounded_masks(graph: Graph, ranges: Mapping[str, Range]) -> tuple[Graph, dict[str, Range]]:
    """The float graph with masks that fit the scores, and the ranges of the masked scores.

    Args:
        graph: a float graph.
        ranges: real bounds of its tensors.
    """
    found, constants, nodes = dict(ranges), dict(graph.constants), list(graph.nodes)
    for node in masked_sums(graph):
        source, mask = sorted(node.inputs, key=lambda name: name in graph.constants)
        scores, (output,) = ranges[source], node.outputs
        bound = np.float32(-BELOW - scores.width)
        known = graph.constants[mask]
        if known.values.min() >= bound:
            continue
        name = f"{output}/mask"
        constants[name] = replace(known, name=name, values=np.maximum(known.values, bound))
        inputs = tuple(name if each == mask else each for each in node.inputs)
        nodes[nodes.index(node)] = replace(node, inputs=inputs)
        found[output] = Range.of(scores.low + float(bound), ranges[output].high)
    for each in bounded_scores(graph):
        _bound(each, found, constants, nodes)
    return replace(graph, nodes=tuple(nodes), constants=constants), found


def _bound(
    each: Bounded, ranges: dict[str, Range], constants: dict[str, Constant], nodes: list[Node]
) -> None:
    """Give computed bounds the range of the scores, from BELOW below it."""
    scores = ranges[each.scores]
    whole = Range(scores.low - BELOW, scores.high)
    spread = Range(0.0, whole.width)
    for node, value, known in (
        (each.spread, spread.high, spread), (each.bound, whole.low, whole),
    ):  # fmt: skip
        source, constant = node.inputs
        (output,) = node.outputs
        name = f"{output}/constant"
        values = np.full_like(constants[constant].values, value)
        constants[name] = replace(constants[constant], name=name, values=values)
        nodes[nodes.index(node)] = replace(node, inputs=(source, name))
        ranges[output] = known
    ranges[each.node.outputs[0]] = whole
