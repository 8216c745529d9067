"""Several inputs as one tensor of bytes, which is what a library takes."""

from __future__ import annotations

from dataclasses import replace

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.names import free_name
from tinycomp.ir.tensor import Tensor
from tinycomp.ops.part import Part
from tinycomp.passes._types import one_type


def bundle_inputs(graph: Graph) -> Graph:
    """The int8 graph with one input, of which its first nodes take the parts; the graph itself if
    it has one.

    The input's quantization is that of the first part.
    """
    if len(graph.inputs) == 1:
        return graph
    taken = {*graph.tensors, *graph.constants, *(node.name for node in graph.nodes)}
    name = free_name("inputs", taken)
    parts = tuple(graph.tensors[each] for each in graph.inputs)
    nodes, offset = [], 0
    for part in parts:
        nodes.append(Node(part.name, Part(offset, part.shape), (name,), (part.name,)))
        offset += part.size
    row = Tensor(name, (offset,), one_type("inputs", parts), parts[0].quantization)
    return replace(
        graph,
        nodes=(*_named(nodes, graph), *graph.nodes),
        tensors={name: row, **graph.tensors},
        inputs=(name,),
        parts=parts,
    )


def _named(nodes: list[Node], graph: Graph) -> list[Node]:
    """The nodes, with names that no other has."""
    taken = {node.name for node in graph.nodes}
    found = []
    for node in nodes:
        found.append(replace(node, name=free_name(node.name, taken)))
        taken.add(found[-1].name)
    return found
