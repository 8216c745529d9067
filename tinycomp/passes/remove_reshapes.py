"""Moves reshapes after operators that don't depend on the shape, so that they meet and cancel.

So 1-D layers, which are imported as 2-D layers between two reshapes, become neighbours, and batch
normalization and ReLU become neighbours of the convolution that absorbs them.
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
"""Operators that another one can absorb once the reshape between them is removed."""

Move = tuple[Shape, Shape]
"""A reshape, from one shape to another."""


def remove_reshapes(graph: Graph) -> Graph:
    """The graph with reshapes moved towards the outputs and cancelled."""
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
    """Remove a reshape to the same shape; let a reshape of a reshape read the first one's input."""
    source, target = _move(edit.graph, node)
    before = edit.uses.producer(node.inputs[0])
    if source == target:
        edit.remove(node, node.inputs[0])
    elif before is not None and isinstance(before.op, Reshape):
        edit.replace(node, [replace(node, inputs=before.inputs)])


def _sink(edit: Edit, node: Node) -> None:
    """Let an operator read the inputs of the reshapes before it, with one reshape after it."""
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
    """The operator that replaces `op` on the reshapes' inputs, if there is one."""
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
    """Whether moving a reshape after this node lets operators be merged."""
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
