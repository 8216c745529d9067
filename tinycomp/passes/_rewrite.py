"""Graph surgery that passes share: what reads a value, and a new graph from changed nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.reduction import TensorReduction
from tinycomp.ir.tensor import Array, Constant, Tensor
from tinycomp.passes._reduction import chained, recorded, unchanged


class Uses:
    """Who writes and who reads each value of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._outputs = set(graph.outputs)
        self._producers = {name: node for node in graph.nodes for name in node.outputs}
        self._consumers: dict[str, list[Node]] = defaultdict(list)
        for node in graph.nodes:
            for name in dict.fromkeys(node.inputs):
                self._consumers[name].append(node)

    def producer(self, name: str) -> Node | None:
        """The node that writes a tensor; None for an input of the model and for constants."""
        return self._producers.get(name)

    def only_reader(self, name: str) -> Node | None:
        """The one node that reads a value; None where there is another, or the model returns it."""
        consumers = self._consumers.get(name, [])
        return consumers[0] if len(consumers) == 1 and name not in self._outputs else None


class Edit:
    """Changes to a graph, collected and then made at once; the graph itself stays as it is."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.uses = Uses(graph)
        self._instead: dict[str, list[Node]] = {}
        self._aliases: dict[str, str] = {}
        self._reductions: dict[str, TensorReduction] = {}
        self._tensors = dict(graph.tensors)
        self._constants = dict(graph.constants)
        self._names = {
            *graph.tensors,
            *graph.constants,
            *(node.name for node in graph.nodes),
        }

    @property
    def changed(self) -> bool:
        """Whether anything was."""
        return bool(self._instead or self._aliases)

    def unique(self, name: str) -> str:
        """The name itself, or with a number behind it where it is taken; taken from now on."""
        candidate, count = name, 1
        while candidate in self._names:
            candidate, count = f"{name}_{count}", count + 1
        self._names.add(candidate)
        return candidate

    def tensor(self, name: str, like: Tensor, shape: Sequence[int]) -> str:
        """Add a tensor; its name."""
        name = self.unique(name)
        self._tensors[name] = replace(like, name=name, shape=tuple(shape))
        return name

    def constant(self, name: str, values: Array) -> str:
        """Add a constant; its name."""
        name = self.unique(name)
        self._constants[name] = Constant(name, values)
        return name

    def change_constant(self, node: Node, name: str, values: Array) -> str:
        """Give a node other float values for one of its constants; a copy where others read it
        too.
        """
        constant = self._constants[name]
        return self.swap_constant(
            node, replace(constant, values=np.ascontiguousarray(values, np.float32))
        )

    def swap_constant(self, node: Node, constant: Constant) -> str:
        """Give a node this constant in the place of the one of its name; a copy likewise."""
        name = constant.name
        if self.uses.only_reader(name) != node:
            name = self.unique(name)
        self._constants[name] = replace(constant, name=name)
        return name

    def reshape_tensor(self, name: str, shape: Sequence[int]) -> None:
        """Give a tensor another shape, and say by `follows` what becomes of the old one."""
        self._tensors[name] = replace(self._tensors[name], shape=tuple(shape))

    def follows(self, name: str, reduction: TensorReduction) -> None:
        """Say how a tensor of the graph follows from the new one's."""
        self._reductions[name] = reduction

    def replace(self, node: Node, instead: Sequence[Node]) -> None:
        """Put nodes in the place of one; they write what others read of it."""
        self._instead[node.name] = list(instead)

    def remove(self, node: Node, alias: str) -> None:
        """Take a node out; who read its output reads `alias`, the same values in the same order
        unless `follows` says otherwise.
        """
        self._instead[node.name] = []
        self._aliases[node.outputs[0]] = alias

    def touched(self, node: Node) -> bool:
        """Whether the node was replaced or removed."""
        return node.name in self._instead

    def apply(self) -> Graph:
        """The new graph, without tensors and constants that nothing uses."""
        nodes = []
        for node in self.graph.nodes:
            for new in self._instead.get(node.name, [node]):
                nodes.append(replace(new, inputs=tuple(map(self._resolve, new.inputs))))
        outputs = tuple(map(self._resolve, self.graph.outputs))
        names = self._reductions.keys() | self._aliases.keys()
        steps = {name: self._reduction(name) for name in names}
        return assemble(self.graph, nodes, self._tensors, self._constants, outputs, steps)

    def _reduction(self, name: str) -> TensorReduction:
        """Of a tensor that was not left alone, through all that was taken out behind each other."""
        known, alias = self._reductions.get(name), self._aliases.get(name)
        if known is None:
            known = unchanged(replace(self.graph.tensors[name], name=alias or name))
        if known.tensor is None or known.tensor == name:
            return known
        return chained(known, self._reduction(known.tensor))

    def _resolve(self, name: str) -> str:
        while name in self._aliases:
            name = self._aliases[name]
        return name


def assemble(
    graph: Graph,
    nodes: Sequence[Node],
    tensors: Mapping[str, Tensor],
    constants: Mapping[str, Constant],
    outputs: tuple[str, ...],
    steps: Mapping[str, TensorReduction] | None = None,
) -> Graph:
    """The graph with other nodes, keeping only what an output needs; `steps` as in recorded."""
    needed = {*graph.inputs, *outputs}
    kept: list[Node] = []
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs, node.outputs)
            kept.append(node)
    smaller = replace(
        graph,
        nodes=tuple(reversed(kept)),
        tensors={name: tensor for name, tensor in tensors.items() if name in needed},
        constants={name: constant for name, constant in constants.items() if name in needed},
        outputs=outputs,
    )
    return recorded(graph, smaller, steps or {})


def name_outputs(graph: Graph) -> Graph:
    """The graph with each node's one output named as the node, as GraphBuilder names them."""
    names = {node.outputs[0]: node.name for node in graph.nodes}

    def renamed(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(value, value) for value in values)

    return replace(
        graph,
        nodes=tuple(
            replace(n, inputs=renamed(n.inputs), outputs=renamed(n.outputs)) for n in graph.nodes
        ),
        tensors={
            names.get(name, name): replace(tensor, name=names.get(name, name))
            for name, tensor in graph.tensors.items()
        },
        outputs=renamed(graph.outputs),
    )
