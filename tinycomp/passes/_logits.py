"""A graph up to one of its tensors, such as the logits of a classifier."""

from __future__ import annotations

from tinycomp.ir.graph import Graph
from tinycomp.passes._rewrite import assemble


def logits_of(graph: Graph) -> str:
    """The name of the input of a final softmax or sigmoid; without one, of the output."""
    last = graph.producer(graph.outputs[0])
    ends = last is not None and last.op.name in ("softmax", "logistic")
    return last.inputs[0] if ends and last is not None else graph.outputs[0]


def up_to(graph: Graph, tensor: str) -> Graph:
    """The graph that returns this tensor instead of its outputs."""
    return assemble(graph, graph.nodes, graph.tensors, graph.constants, (tensor,))
