"""Graph rewriting for passes: readers of a value, and a new graph from changed nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.names import free_name
from tinycomp.ir.reduction import TensorReduction
from tinycomp.ir.tensor import Array, Constant, Tensor
from tinycomp.passes._reduction import chained, recorded, unchanged


class Uses:
    """The writer and the readers of each value of a graph."""

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
        """The only node that reads a value; None if there are others, or the model returns it."""
        consumers = self._consumers.get(name, [])
        return consumers[0] if len(consumers) == 1 and name not in self._outputs else None


class Edit:
    """Changes to a graph, collected and then applied at once; the graph itself is not modified."""

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
        """Whether there are any changes."""
        return bool(self._instead or self._aliases)

    def unique(self, name: str) -> str:
        """Reserve a name: the name itself, or with a number appended if it is taken."""
        candidate, count = name, 1
        while candidate in self._names:
            candidate, count = f"{name}_{count}", count + 1
        self._names.add(candidate)
        return candidate

    def tensor(self, name: str, like: Tensor, shape: Sequence[int]) -> str:
        """Add a tensor; returns its name."""
        name = self.unique(name)
        self._tensors[name] = replace(like, name=name, shape=tuple(shape))
        return name

    def constant(self, name: str, values: Array) -> str:
        """Add a constant; returns its name."""
        name = self.unique(name)
        self._constants[name] = Constant(name, values)
        return name

    def change_constant(self, node: Node, name: str, values: Array) -> str:
        """Replace the float values of one of a node's constants; copies it if others read it
        too.
        """
        constant = self._constants[name]
        return self.swap_constant(
            node, replace(constant, values=np.ascontiguousarray(values, np.float32))
        )

    def swap_constant(self, node: Node, constant: Constant) -> str:
        """Replace a node's constant of the same name; copies it if others read it too."""
        name = constant.name
        if self.uses.only_reader(name) != node:
            name = self.unique(name)
        self._constants[name] = replace(constant, name=name)
        return name

    def reshape_tensor(self, name: str, shape: Sequence[int]) -> None:
        """Change a tensor's shape; `follows` maps the new tensor to the old one."""
        self._tensors[name] = replace(self._tensors[name], shape=tuple(shape))

    def follows(self, name: str, reduction: TensorReduction) -> None:
        """Record the mapping from the new graph to a tensor of the old one."""
        self._reductions[name] = reduction

    def replace(self, node: Node, instead: Sequence[Node]) -> None:
        """Replace a node by others, which write the tensors that it wrote."""
        self._instead[node.name] = list(instead)

    def remove(self, node: Node, alias: str) -> None:
        """Remove a node; readers of its output read `alias` instead, which has the same values in
        the same order unless `follows` maps them.
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
        """The mapping of a changed tensor, through all consecutively removed nodes."""
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
    """The graph with each node's output named like the node, as in GraphBuilder; with a number
    appended where a constant or an input has that name.
    """
    taken = {*graph.constants, *graph.inputs}
    names = {node.outputs[0]: free_name(node.name, taken) for node in graph.nodes}

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
