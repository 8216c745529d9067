"""Removes nodes with unused outputs."""

from __future__ import annotations

from tinycomp.ir.graph import Graph
from tinycomp.passes._rewrite import assemble


def remove_dead_nodes(graph: Graph) -> Graph:
    """The graph with only the nodes from which there is a path to an output."""
    alive = assemble(graph, graph.nodes, graph.tensors, graph.constants, graph.outputs)
    return alive if len(alive.nodes) < len(graph.nodes) else graph
