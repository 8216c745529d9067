"""Several outputs as one tensor of bytes, which is what a library returns."""

from __future__ import annotations

from dataclasses import replace

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.names import free_name
from tinycomp.ir.tensor import Tensor
from tinycomp.ops.bundle import Bundle
from tinycomp.passes._types import one_type


def bundle_outputs(graph: Graph) -> Graph:
    """The int8 graph with a last node that bundles its outputs; the graph itself if it has one.

    The bundle's quantization is that of the first output.
    """
    if len(graph.outputs) == 1:
        return graph
    taken = {*graph.tensors, *graph.constants, *(node.name for node in graph.nodes)}
    name = free_name("outputs", taken)
    parts = [graph.tensors[output] for output in graph.outputs]
    shape = Bundle().infer_shape([part.shape for part in parts])
    bundle = Tensor(name, shape, one_type("outputs", parts), parts[0].quantization)
    node = Node(name, Bundle(), graph.outputs, (name,))
    return replace(
        graph,
        nodes=(*graph.nodes, node),
        tensors={**graph.tensors, name: bundle},
        outputs=(name,),
    )


def output_parts(graph: Graph) -> tuple[Tensor, ...]:
    """The model's outputs, in order, without the states: the parts of a bundle, or the graph's
    own.
    """
    last = graph.producer(graph.outputs[0])
    if last is not None and isinstance(last.op, Bundle):
        found = graph.operands(last).activations
    else:
        found = tuple(graph.tensors[name] for name in graph.outputs)
    return found[: len(found) - len(graph.states)]
