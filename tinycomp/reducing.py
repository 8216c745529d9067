"""An int8 graph in its smallest form, with the same bytes."""

from __future__ import annotations

from tinycomp.common.progress import Progress
from tinycomp.ir.graph import Graph
from tinycomp.passes._reduction import with_original
from tinycomp.passes.bundle_inputs import bundle_inputs
from tinycomp.passes.bundle_outputs import bundle_outputs
from tinycomp.passes.fold_padding import fold_padding
from tinycomp.passes.lower_depthwise import lower_depthwise
from tinycomp.passes.merge_duplicate_channels import merge_duplicate_channels
from tinycomp.passes.merge_tables import merge_tables
from tinycomp.passes.raise_weights import raise_weights
from tinycomp.passes.remove_dead_channels import remove_dead_channels
from tinycomp.passes.remove_dead_nodes import remove_dead_nodes
from tinycomp.passes.remove_identity import remove_identity
from tinycomp.passes.remove_no_ops import remove_no_ops
from tinycomp.passes.stream import stream


def reduce(graph: Graph, progress: Progress) -> Graph:
    """All rewrites of an int8 graph, until none finds anything more; every value stays as it is.

    Several inputs become one, and so do several outputs. What was removed becomes a note. The graph
    itself where there is nothing to rewrite.

    Raises:
        ModelError: a sum could leave 32 bits.
    """
    return raise_weights(_without_the_needless(graph, progress))


def _without_the_needless(graph: Graph, progress: Progress) -> Graph:
    graph = bundle_outputs(bundle_inputs(graph))
    smaller = with_original(graph)
    size = None
    while size != _size(smaller):
        size = _size(smaller)
        for rewrite in (
            remove_dead_nodes,
            remove_identity,
            remove_no_ops,
            merge_tables,
            fold_padding,
            lower_depthwise,
            merge_duplicate_channels,
            remove_dead_channels,
        ):
            smaller = rewrite(smaller)
    if not smaller.nodes:
        return graph
    if size == _size(graph):
        return graph if smaller.nodes == graph.nodes else smaller
    before, after = graph.cost(), smaller.cost()
    if (before.macs, before.parameters) == (after.macs, after.parameters):
        return smaller
    progress.note(
        f"Removed what has no effect, exactly: {before.macs:,} to {after.macs:,} "
        f"multiply-accumulates, {before.parameters:,} to {after.parameters:,} parameters."
    )
    return smaller


def by_hops(graph: Graph, hop: int) -> Graph:
    """The reduced graph as one that takes so many new rows of its window at a time, with inputs,
    outputs and states in rows of bytes.

    Raises:
        ModelError: it can't be streamed.
    """
    return bundle_outputs(bundle_inputs(stream(graph, hop)))


def _size(graph: Graph) -> tuple[int, int, int]:
    """Nodes, elements of tensors, and parameters: what rewrites make smaller."""
    elements = sum(tensor.size for tensor in graph.tensors.values())
    return len(graph.nodes), elements, graph.cost().parameters
