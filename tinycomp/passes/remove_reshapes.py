"""Reshapes move behind operators that don't care, meet others, and cancel.

So 1-D layers, which are read as 2-D layers between two reshapes, end up side by side, and batch
normalization and ReLU next to the convolution that takes them in.
"""

from __future__ import annotations

from dataclasses import replace

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Shape
from tinycomp.ops.add import Add
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.mul import Mul
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.tanh import Tanh
from tinycomp.passes._rewrite import Edit, name_outputs

_ELEMENTWISE = (HardSwish, LeakyRelu, Logistic, Relu, Tanh)
_ALONG_LAST_AXIS = (BatchNormalization, FullyConnected, Softmax)
_MERGING = (Add, Concatenation, Mul)
_WORTH_IT = (BatchNormalization, Relu, Reshape)
"""What another operator can take in once the reshape between them is gone."""

Move = tuple[Shape, Shape]
"""A reshape, from one shape to another."""


def remove_reshapes(graph: Graph) -> Graph:
    """The graph with as few reshapes as moving them towards the outputs leaves."""
    while True:
        edit = Edit(graph)
        for node in graph.nodes:
            if isinstance(node.op, Reshape):
                _cancel(edit, node)
            else:
                _sink(edit, node)
        if not edit.changed:
            return name_outputs(graph)
        graph = edit.apply()


def _cancel(edit: Edit, node: Node) -> None:
    """Take out a reshape to the same shape; let one behind another read that one's input."""
    source, target = _move(edit.graph, node)
    before = edit.uses.producer(node.inputs[0])
    if source == target:
        edit.remove(node, node.inputs[0])
    elif before is not None and isinstance(before.op, Reshape):
        edit.replace(node, [replace(node, inputs=before.inputs)])


def _sink(edit: Edit, node: Node) -> None:
    """Let an operator read what the reshapes before it read, with one reshape behind it."""
    graph = edit.graph
    count = len(graph.operands(node).activations)
    reshapes = [edit.uses.producer(name) for name in node.inputs[:count]]
    befores = [r for r in reshapes if r is not None and isinstance(r.op, Reshape)]
    if len(befores) < count or not _pays(graph, node):
        return
    op = _behind(node.op, [_move(graph, reshape) for reshape in befores])
    if op is None:
        return
    inputs = (*(reshape.inputs[0] for reshape in befores), *node.inputs[count:])
    output = graph.tensors[node.outputs[0]]
    shape = op.infer_shape([graph.value(name).shape for name in inputs])
    inner = edit.tensor(f"{node.name}/inner", output, shape)
    reshape = Node(
        edit.unique(f"{node.name}/reshape"), Reshape(output.shape), (inner,), node.outputs
    )
    edit.replace(node, [Node(node.name, op, inputs, (inner,)), reshape])


def _behind(op: Operator, moves: list[Move]) -> Operator | None:
    """The operator that works on the reshapes' inputs in the place of `op`, if there is one."""
    source, target = moves[0]
    squeezes = all(_is_squeeze(*move) for move in moves)
    if isinstance(op, _ELEMENTWISE):
        return op
    if isinstance(op, _ALONG_LAST_AXIS):
        return op if source[-1] == target[-1] else None
    if isinstance(op, Concatenation):
        # Of (length, 1, channels) -> (length, channels), axis 1 was axis 2.
        return replace(op, axis=2 * op.axis) if squeezes else None
    if isinstance(op, _MERGING):
        same = all(move == moves[0] for move in moves)
        return op if squeezes or same else None
    return None


def _pays(graph: Graph, node: Node) -> bool:
    """Whether moving a reshape behind this node brings something together."""
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here.op, _WORTH_IT):
            return True
        if here.name not in seen and isinstance(
            here.op, (*_ELEMENTWISE, *_ALONG_LAST_AXIS, *_MERGING)
        ):
            seen.add(here.name)
            waiting += graph.consumers(here.outputs[0])
    return False


def _move(graph: Graph, reshape: Node) -> Move:
    return graph.tensors[reshape.inputs[0]].shape, graph.tensors[reshape.outputs[0]].shape


def _is_squeeze(source: Shape, target: Shape) -> bool:
    return len(source) == 3 and source[1] == 1 and target == (source[0], source[2])
