"""Groups of tensors that share one scale and zero point because operators tie them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tinycomp.int16._registry import fixed_on_int16
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import NUMBERS, OutputRange
from tinycomp.ir.tensor import QuantizationParameters, Tensor
from tinycomp.ops.quantize import Quantize
from tinycomp.quantization.ranges import Range

_COPY = "/requantized"


def output_range(graph: Graph, node: Node) -> OutputRange:
    """How quantization chooses the parameters of the node's output."""
    return node.op.output_range(graph.operands(node))


def hidden_names(node: Node) -> dict[str, str]:
    """For each hidden value of a node, its name among the ranges of calibration."""
    return {each: f"{node.outputs[0]}/{each}" for each in node.op.hidden}


def values_of(node: Node) -> tuple[str, ...]:
    """The node's inputs that are not numbers of rows."""
    return tuple(name for at, name in enumerate(node.inputs) if at not in node.op.row_numbers)


def tied_values(graph: Graph, node: Node) -> tuple[str, ...]:
    """The node's inputs that have the output's parameters."""
    operands = graph.operands(node)
    if not node.op.output_range(operands).tied:
        place = node.op.carried_place(operands)
        return () if place is None else (node.inputs[place],)
    left_out = (*node.op.row_numbers, *node.op.untied)
    return tuple(name for at, name in enumerate(node.inputs) if at not in left_out)


def tied_groups(graph: Graph) -> list[list[str]]:
    """All groups of tensors, and of constants that nodes without weights read.

    A tensor without ties is a group by itself.
    """
    parents: dict[str, str] = {name: name for name in graph.tensors}

    def root(name: str) -> str:
        while parents[name] != name:
            name = parents[name]
        return name

    for node in graph.nodes:
        if node.op.weight_axis is None:
            for name in values_of(node):
                parents.setdefault(name, name)
        for name in tied_values(graph, node):
            parents[root(name)] = root(node.outputs[0])
    groups: dict[str, list[str]] = {}
    for name in parents:
        groups.setdefault(root(name), []).append(name)
    return list(groups.values())


def fixed_parameters(
    graph: Graph, types: Mapping[str, str] | None = None
) -> dict[str, QuantizationParameters]:
    """Parameters prescribed by the specification, by tensor (softmax, sigmoid).

    Args:
        graph: float.
        types: of its tensors, once quantized; None for int8.
    """
    found = {}
    for node in graph.nodes:
        found.update({node.inputs[place]: NUMBERS for place in node.op.row_numbers})
        fixed, name = output_range(graph, node).fixed, node.outputs[0]
        if fixed is not None:
            own = fixed_on_int16(node.op) if types and types[name] == "int16" else fixed
            found[name] = own or fixed
    return found


def copied_from(name: str) -> str:
    """The tensor that a copy with its own parameters was made of."""
    return name.removesuffix(_COPY)


def separate_fixed(
    graph: Graph, ranges: Mapping[str, Range], fixed: Mapping[str, QuantizationParameters]
) -> tuple[Graph, dict[str, Range]]:
    """Requantize tensors with fixed parameters if an operator ties them to other tensors.

    Otherwise a concatenated softmax would impose its scale of 1/256 on all inputs. fixed:
    parameters by tensor, including those given by the user.
    Returns the graph, and the ranges including those of the new tensors.
    """
    ranges = dict(ranges)
    written = {name: node for node in graph.nodes for name in node.outputs}
    crossed: set[str] = set()
    for group in tied_groups(graph):
        sources = [n for n in group if n not in written or not output_range(graph, written[n]).tied]
        if len({fixed.get(name) for name in sources}) > 1:
            crossed.update(name for name in sources if name in fixed)
    tensors = dict(graph.tensors)
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = list(node.inputs)
        tied = crossed.intersection(tied_values(graph, node))
        for place, name in enumerate(inputs):
            if name in tied and place not in node.op.untied:
                inputs[place] = _requantized(name, tensors, nodes, ranges)
        nodes.append(replace(node, inputs=tuple(inputs)))
    return replace(graph, nodes=tuple(nodes), tensors=tensors), ranges


def _requantized(
    name: str, tensors: dict[str, Tensor], nodes: list[Node], ranges: dict[str, Range]
) -> str:
    """The name of a copy of a tensor with its own parameters; created once."""
    copy = f"{name}{_COPY}"
    if copy not in tensors:
        tensors[copy] = replace(tensors[name], name=copy)
        nodes.append(Node(copy, Quantize(), (name,), (copy,)))
        ranges[copy] = ranges[name]
    return copy
