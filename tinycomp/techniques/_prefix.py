"""Runs a float graph on samples as far as one node after the other, each node once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array
from tinycomp.passes._rewrite import assemble
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import run_float


class Prefix:
    """What the first nodes of a graph compute from samples: the values that later ones read."""

    def __init__(self, graph: Graph, x: Array) -> None:
        """Begin with the inputs.

        Args:
            graph: a float graph.
            x: real inputs, (samples, *graph.sample_shape).
        """
        self._values = graph.split(x)
        self._done = 0

    def input_of(self, graph: Graph, node: Node) -> Array:
        """The first input of a node, (samples, *shape).

        Args:
            graph: the same graph, or one whose weights changed, but of no node before the one that
                was asked for last.
            node: one that was not passed yet.
        """
        self._advance(graph, graph.nodes.index(node))
        return self._values[node.inputs[0]]

    def _advance(self, graph: Graph, end: int) -> None:
        """Run the nodes up to a place, and forget what no later node reads."""
        nodes = graph.nodes[self._done : end]
        read = {name for node in graph.nodes[end:] for name in node.inputs}
        written = [name for node in nodes for name in node.outputs if name in read]
        if written:
            self._values |= computed(graph, nodes, self._values, written)
        self._values = {name: each for name, each in self._values.items() if name in read}
        self._done = end


def computed(
    graph: Graph, nodes: Sequence[Node], values: Mapping[str, Array], wanted: Sequence[str]
) -> dict[str, Array]:
    """Tensors that nodes of a graph write, (samples, *shape).

    Args:
        graph: has the constants.
        nodes: in an order in which they can run.
        values: all tensors that they read and do not write.
        wanted: names of the tensors.
    """
    read = {name for node in nodes for name in node.inputs}
    entries = [name for name in values if name in read]
    part = replace(graph, inputs=tuple(entries), states=())
    part = assemble(part, nodes, graph.tensors, graph.constants, tuple(wanted))
    flat = [values[name].reshape(len(values[name]), -1) for name in part.inputs]
    samples = np.concatenate(flat, axis=1).reshape(len(flat[0]), *part.sample_shape)
    found = run_float(write_tflite(lower_batch_normalization(part)), samples)
    return dict(zip(wanted, found.values(), strict=True))
