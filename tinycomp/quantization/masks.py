"""Masks: constants far below zero, added to what a softmax reads so that some shares are zero.

Files hold -1e9 or the like, which no integer scale of the scores could take. What is added lies 16
below the whole range of the scores instead: e^-16 is far below a step of what a softmax returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.quantization.ranges import Range

BELOW = 16.0
"""How far below any other score a masked one lies."""


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
    return replace(graph, nodes=tuple(nodes), constants=constants), found
