"""Nodes whose outputs nobody needs are taken out."""

from __future__ import annotations

from tinycomp.ir.graph import Graph
from tinycomp.passes._rewrite import assemble


def remove_dead_nodes(graph: Graph) -> Graph:
    """The graph with only those nodes from which a path leads to an output, and what they read."""
    alive = assemble(graph, graph.nodes, graph.tensors, graph.constants, graph.outputs)
    return alive if len(alive.nodes) < len(graph.nodes) else graph
