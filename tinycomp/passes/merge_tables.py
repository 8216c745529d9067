"""Merges two consecutive functions of one value into one table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ops.lookup import Lookup
from tinycomp.passes._bounds import is_table, table
from tinycomp.passes._rewrite import Edit


def merge_tables(graph: Graph) -> Graph:
    """The graph with one lookup for each pair of tables, if nothing else reads the first one's
    output.
    """
    while True:
        edit = Edit(graph)
        for node in graph.nodes:
            first = edit.uses.producer(node.inputs[0])
            if first is not None and _mergeable(graph, edit, first, node):
                _merge(graph, edit, first, node)
        if not edit.changed:
            return graph
        graph = edit.apply()


def _mergeable(graph: Graph, edit: Edit, first: Node, second: Node) -> bool:
    if not all(is_table(node.op, graph.operands(node)) for node in (first, second)):
        return False
    return edit.uses.only_reader(first.outputs[0]) == second and not edit.touched(first)


def _merge(graph: Graph, edit: Edit, first: Node, second: Node) -> None:
    inner, outer = (table(node.op, graph.operands(node)) for node in (first, second))
    both = Lookup(outer[inner.astype(np.int16) + 128].tobytes())
    edit.replace(second, [replace(second, op=both, inputs=first.inputs)])
    edit.replace(first, [])
