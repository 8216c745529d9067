"""Fuses ReLU and ReLU6 into the operator before them, or before selections in between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator
from tinycomp.ops._activation import Activation
from tinycomp.ops._move import Move
from tinycomp.ops._reduction import ExtremeReduction
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.pad import Pad
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.passes._rewrite import Edit

_BY_LIMIT = {None: Activation.RELU, 6.0: Activation.RELU6}
_FUSED = {
    # An operator's activation, the ReLU after it: the fused activation.
    (Activation.NONE, Activation.RELU): Activation.RELU,
    (Activation.NONE, Activation.RELU6): Activation.RELU6,
    (Activation.RELU, Activation.RELU): Activation.RELU,
    (Activation.RELU, Activation.RELU6): Activation.RELU6,
    (Activation.RELU6, Activation.RELU): Activation.RELU6,
    (Activation.RELU6, Activation.RELU6): Activation.RELU6,
}

Fused = dict[str, tuple[Node, Operator]]
"""Nodes by name, and the operators that take their place."""


def fuse_activation(graph: Graph) -> Graph:
    """The graph with each ReLU or ReLU6 fused into the operator before it, if that has no other
    reader.

    A ReLU after maxima, concatenations, reshapes and zero paddings moves before them, with
    the same result: so the tensors in between, which share one scale, need no negative values.
    """
    while True:
        edit = Edit(graph)
        for relu in graph.nodes:
            if isinstance(relu.op, Relu):
                _fuse(edit, relu, relu.op)
        if not edit.changed:
            return graph
        graph = edit.apply()


def _fuse(edit: Edit, relu: Node, op: Relu) -> None:
    """Fuse into the earliest possible operators: one, or one for each input of a concatenation."""
    found = _reached(edit, relu.inputs[0], relu, op)
    if found:
        for node, fused in found.values():
            edit.replace(node, [replace(node, op=fused)])
        edit.remove(relu, relu.inputs[0])


def _reached(edit: Edit, tensor: str, reader: Node, op: Relu) -> Fused:
    """The nodes before a reader that can fuse a ReLU of its input, by name; none if some can't."""
    source = edit.uses.producer(tensor)
    if source is None or edit.uses.only_reader(tensor) != reader or edit.touched(source):
        return {}
    fused = _fused(source.op, op)
    found: Fused = {} if fused is None else {source.name: (source, fused)}
    if _selects(source.op):
        return _reached(edit, source.inputs[0], source, op) or found
    if isinstance(source.op, Concatenation):
        parts = [_reached(edit, name, source, op) for name in source.inputs]
        if all(parts):
            return {name: each for part in parts for name, each in part.items()}
    return found


def _selects(op: Operator) -> bool:
    """Whether each output is one of the inputs, the same one before and after a ReLU, or zero."""
    if isinstance(op, MaxPool2D):
        return op.activation is Activation.NONE
    return isinstance(op, ExtremeReduction | Move | Pad | Reshape)


def _fused(op: Operator, relu: Relu) -> Operator | None:
    """The operator with the ReLU fused; None if not possible."""
    own = getattr(op, "activation", None)
    if relu.max_value not in _BY_LIMIT or own is None:
        return None
    activation = _FUSED.get((own, _BY_LIMIT[relu.max_value]))
    if activation is None:
        return None
    fused: Operator = replace(cast(Any, op), activation=activation)
    return fused
