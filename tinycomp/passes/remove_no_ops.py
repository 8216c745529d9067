"""Removes layers of an int8 graph that return every possible input unchanged, and reshapes whose
only reader is a reshape.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Operands
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.reshape import Reshape
from tinycomp.passes._bounds import Bounds, bounds, on_bytes, table
from tinycomp.passes._rewrite import Edit


def remove_no_ops(graph: Graph) -> Graph:
    """The graph without ReLUs, tables, rescalings and 1 x 1 poolings that have no effect.

    For example a ReLU of values that are never negative. Scale and zero point must stay the same,
    as readers of the tensor depend on them.

    Raises:
        ModelError: a sum of the graph could leave 32 bits.
    """
    known = bounds(graph)
    edit = Edit(graph)
    for node in graph.nodes:
        if _feeds_reshape(edit, node) or _changes_nothing(graph, node, known):
            edit.remove(node, node.inputs[0])
    return edit.apply() if edit.changed else graph


def _feeds_reshape(edit: Edit, node: Node) -> bool:
    reader = edit.uses.only_reader(node.outputs[0])
    return isinstance(node.op, Reshape) and reader is not None and isinstance(reader.op, Reshape)


def _changes_nothing(graph: Graph, node: Node, known: Mapping[str, Bounds]) -> bool:
    operands = graph.operands(node)
    if (
        not _value_by_value(node, operands)
        or operands.inputs[0].quantization != operands.output.quantization
    ):
        return False
    low, high = known[node.inputs[0]]
    reached = np.arange(int(low.min()), int(high.max()) + 1)
    return bool(np.array_equal(table(node.op, operands)[reached + 128], reached))


def _value_by_value(node: Node, operands: Operands) -> bool:
    if not on_bytes(node.op, operands):
        return False
    if isinstance(node.op, AveragePool2D | MaxPool2D):
        window = node.op.window
        return window.kernel == window.stride == (1, 1) and not any(window.padding)
    return isinstance(node.op, UnaryOperator)
