"""A graph up to one of its tensors, such as the logits of a classifier."""

from __future__ import annotations

from collections.abc import Sequence

from tinycomp.ir.graph import Graph, Node
from tinycomp.ops.arg_max import ArgMax
from tinycomp.passes._rewrite import assemble


def logits_of(graph: Graph, place: int = 0) -> str:
    """The name of the input of a final softmax or sigmoid, or of a choice of the largest value;
    without one, of the output.

    Args:
        graph: the model.
        place: which of its outputs.
    """
    output = graph.outputs[place]
    last = graph.producer(output)
    if last is not None and isinstance(last.op, ArgMax) and _along_last(graph, last):
        output = last.inputs[0]
        last = graph.producer(output)
    ends = last is not None and last.op.name in ("softmax", "logistic")
    return last.inputs[0] if ends and last is not None else output


def ends_of(graph: Graph, logits: Sequence[bool] | bool = True) -> tuple[str, ...]:
    """The name of each output; of those with `logits`, of what is before a final softmax or
    sigmoid.
    """
    stripped = [logits] * len(graph.outputs) if isinstance(logits, bool) else logits
    return tuple(
        logits_of(graph, place) if bare else output
        for place, (output, bare) in enumerate(zip(graph.outputs, stripped, strict=True))
    )


def up_to(graph: Graph, *tensors: str) -> Graph:
    """The graph that returns these tensors instead of its outputs."""
    return assemble(graph, graph.nodes, graph.tensors, graph.constants, tensors)


def _along_last(graph: Graph, node: Node) -> bool:
    """Whether the largest value is looked for along the last axis."""
    axes = len(graph.tensors[node.inputs[0]].shape)
    found = node.op.reduced(axes) if isinstance(node.op, ArgMax) else ()
    return [axis % axes for axis in found] == [axes - 1]
