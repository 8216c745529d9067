"""Types of activations: int8, or int16 where more precision is asked for, layer by layer.

A layer with weights reads and writes one type. Everything else takes the widest type that it reads.
What LiteRT does not have on int16 computes on int8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tinycomp.int16._registry import has_int16
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Tensor
from tinycomp.ops.quantize import Quantize
from tinycomp.quantization.ranges import Range
from tinycomp.quantization.row_numbers import row_numbers
from tinycomp.quantization.ties import values_of

Bits = Literal[8, 16]
TYPES: dict[int, str] = {8: "int8", 16: "int16"}


@dataclass(frozen=True)
class Precision:
    """How many bits activations have."""

    bits: int = 8
    """8 or 16, of the model's input and of all layers that are not named."""
    by_layer: Mapping[str, int] = field(default_factory=dict)
    """Of layers with weights, and of others that get more than they read, by node name."""

    def of(self, node: Node) -> int:
        """The bits of a layer."""
        return self.by_layer.get(node.name, self.bits)


BYTES = Precision()
"""8 bits throughout."""


@dataclass(frozen=True, eq=False)
class Typed:
    """A float graph whose tensors have integer types."""

    graph: Graph
    """With a conversion wherever a layer reads another type than its own."""
    ranges: Mapping[str, Range]
    """Those of conversions included."""
    types: Mapping[str, str]
    """Of every tensor, and of every constant that is not a weight or bias, by name."""


def with_types(graph: Graph, ranges: Mapping[str, Range], precision: Precision) -> Typed:
    """The graph with a type for each tensor."""
    numbers = row_numbers(graph)
    wide = not numbers.keys().isdisjoint(graph.inputs)  # all inputs are of one type
    types = dict.fromkeys(graph.inputs, TYPES[16 if wide else precision.bits])
    tensors, found, nodes = dict(graph.tensors), dict(ranges), list[Node]()

    def converted(name: str, dtype: str) -> str:
        if types[name] == dtype:
            return name
        copy = f"{name}/{dtype}"
        if copy not in tensors:
            tensors[copy] = Tensor(copy, tensors[name].shape, tensors[name].dtype)
            nodes.append(Node(copy, Quantize(), (name,), (copy,)))
            types[copy], found[copy] = dtype, found[name]
        return copy

    for node in graph.nodes:
        read = [name for name in values_of(node) if name in graph.tensors]
        dtype = TYPES[precision.of(node)]
        if node.op.row_numbers:
            dtype = TYPES[8]  # of the table
            types.update({name: dtype for name in node.inputs if name not in graph.tensors})
        elif node.op.weight_axis is None:
            found_types = [types[name] for name in read]
            if node.name in precision.by_layer:
                found_types.append(dtype)
            dtype = max(found_types, key=list(TYPES.values()).index)
        if not has_int16(node.op):
            dtype = TYPES[8]
        if node.op.weight_axis is None:
            types.update({name: dtype for name in node.inputs if name not in graph.tensors})
        target = TYPES[16] if node.op.wide_output else dtype
        carried = node.op.carried_place(graph.operands(node))
        inputs = [
            converted(name, target if place == carried else dtype) if name in read else name
            for place, name in enumerate(node.inputs)
        ]
        nodes.append(replace(node, inputs=tuple(inputs)))
        types.update(dict.fromkeys(node.outputs, target))
    return Typed(replace(graph, nodes=tuple(nodes), tensors=tensors), found, types)


def on_bytes(graph: Graph) -> list[Node]:
    """The layers of an integer graph that have no form on int16, and read what was converted from
    it.
    """
    narrowed = {
        node.outputs[0]
        for node in graph.nodes
        if node.op.name == Quantize.name and graph.tensors[node.inputs[0]].dtype == TYPES[16]
    }
    return [
        node
        for node in graph.nodes
        if not has_int16(node.op) and not narrowed.isdisjoint(node.inputs)
    ]
