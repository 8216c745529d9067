"""ReLU and ReLU6 become part of the operator before them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tinycomp.ir import Graph, Operator
from tinycomp.ops._activation import Activation
from tinycomp.ops.relu import Relu
from tinycomp.passes._rewrite import Edit

_BY_LIMIT = {None: Activation.RELU, 6.0: Activation.RELU6}
_FUSED = {
    # What an operator has, and a ReLU behind it: what it has then.
    (Activation.NONE, Activation.RELU): Activation.RELU,
    (Activation.NONE, Activation.RELU6): Activation.RELU6,
    (Activation.RELU, Activation.RELU): Activation.RELU,
    (Activation.RELU, Activation.RELU6): Activation.RELU6,
    (Activation.RELU6, Activation.RELU): Activation.RELU6,
    (Activation.RELU6, Activation.RELU6): Activation.RELU6,
}


def fuse_activation(graph: Graph) -> Graph:
    """The graph with each ReLU or ReLU6 in the operator before it, if that one has no other reader."""
    while True:
        edit = Edit(graph)
        for relu in graph.nodes:
            source = edit.uses.producer(relu.inputs[0])
            if not isinstance(relu.op, Relu) or source is None or edit.touched(source):
                continue
            fused = _fused(source.op, relu.op)
            if fused is not None and edit.uses.only_reader(source.outputs[0]) == relu:
                edit.replace(source, [replace(source, op=fused)])
                edit.remove(relu, source.outputs[0])
        if not edit.changed:
            return graph
        graph = edit.apply()


def _fused(op: Operator, relu: Relu) -> Operator | None:
    """The operator with the ReLU in it; None where it can't carry one."""
    own = getattr(op, "activation", None)
    if relu.max_value not in _BY_LIMIT or own is None:
        return None
    activation = _FUSED.get((own, _BY_LIMIT[relu.max_value]))
    if activation is None:
        return None
    changed: Any = op
    return replace(changed, activation=activation)
