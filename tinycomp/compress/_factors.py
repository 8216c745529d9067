"""Layers replaced by chains of smaller ones, whose weights are factors of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import TinycompError
from tinycomp.compress._layers import with_notes
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.passes._rewrite import Edit

Option = TypeVar("Option")
POINT = Window((1, 1))


@dataclass(frozen=True, eq=False)
class Link:
    """One layer of a chain."""

    suffix: str
    """Of its name, behind that of the layer that the chain replaces."""
    op: Operator
    """Without activation."""
    weights: Array
    """In the operator's layout."""


Chain = Sequence[Link]
"""In running order; the last gets the bias, the activation and the name of the layer."""


@dataclass(frozen=True, eq=False)
class Factored:
    """A layer that factors can replace."""

    nodes: tuple[Node, ...]
    """Those that share its weights, in the order of the graph."""
    weights: Array
    """float64, in the operator's layout."""

    @property
    def name(self) -> str:
        """The first node's."""
        return self.nodes[0].name

    @property
    def op(self) -> Conv2D | FullyConnected:
        """The first node's operator, for its window."""
        op = self.nodes[0].op
        assert isinstance(op, Conv2D | FullyConnected)
        return op


def factorable(graph: Graph, *, windows: bool = False) -> tuple[Factored, ...]:
    """The dense layers and convolutions, each once however often it is used.

    Args:
        graph: float.
        windows: convolutions of more than one cell only.

    Raises:
        TinycompError: there are none.
    """
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        wanted = isinstance(node.op, Conv2D | FullyConnected)
        if wanted and node.inputs[1] in graph.constants:
            readers.setdefault(node.inputs[1], []).append(node)
    found = tuple(
        Factored(tuple(nodes), graph.constants[name].values.astype(np.float64))
        for name, nodes in readers.items()
        if len({_window(node.op) for node in nodes}) == 1
        and (not windows or _cells(nodes[0].op) > 1)
    )
    if not found:
        kind = "convolution of more than one cell" if windows else "convolution or dense layer"
        raise TinycompError(
            f"'{graph.name}' has no {kind} that factors could replace.", hint="Leave this step out."
        )
    return found


def _window(op: Operator) -> Window | None:
    return op.window if isinstance(op, Conv2D) else None


def _cells(op: Operator) -> int:
    """Of a convolution's window."""
    return op.window.kernel[0] * op.window.kernel[1] if isinstance(op, Conv2D) else 1


def by_layer(layers: Sequence[Factored], options: Mapping[str, Option]) -> list[Option | None]:
    """The option of each layer, by names or patterns of names of which a later one wins.

    Raises:
        TinycompError: a pattern matches none of the layers.
    """
    found: list[Option | None] = [None] * len(layers)
    for pattern, option in options.items():
        matched = [n for n, layer in enumerate(layers)
                   if any(fnmatchcase(node.name, pattern) for node in layer.nodes)]  # fmt: skip
        if not matched:
            raise TinycompError(
                f"'{pattern}' names no layer that this technique can replace.",
                expected=f"Expected some of {', '.join(layer.name for layer in layers) or 'none'}.",
            )
        for number in matched:
            found[number] = option
    return found


def require_rank(layer: Factored, rank: int, full: int, what: str = "rank") -> None:
    """Check a rank that was asked for.

    Raises:
        TinycompError: it is below 1 or above the full one.
    """
    if not 1 <= rank <= full:
        raise TinycompError(
            f"Layer '{layer.name}' can't have the {what} {rank}.",
            expected=f"Expected 1 to {full}, the full {what} of its weights {layer.weights.shape}.",
        )


def require_energy(energy: float) -> None:
    """Check a share of the squared weights that factors shall hold.

    Raises:
        TinycompError: it is no such share.
    """
    if not 0 < energy <= 1:
        raise TinycompError(
            f"energy = {energy:g} is not a share of the squared weights.",
            expected="Expected 0 < energy <= 1; 0.9 leaves out a tenth.",
        )


def rank_of_energy(singular: NDArray[np.float64], energy: float) -> int:
    """The fewest singular values, in falling order, whose squares add up to that share."""
    squares = np.cumsum(singular**2)
    reached = squares >= energy * squares[-1] * (1 - 1e-12)
    return int(np.argmax(reached)) + 1


def with_factors(
    graph: Graph, layers: Sequence[Factored], chain: Callable[[Factored], Chain | None]
) -> Graph:
    """The graph with a chain in the place of each layer for which there is one that saves
    multiply-accumulates and takes no more parameters. A note names the layers left alone.
    """
    found, left = graph, []
    for layer in layers:
        links = chain(layer)
        smaller = None if links is None else replaced(found, layer, links)
        if smaller is not None and _saves(found, smaller):
            found = smaller
        else:
            left.append(layer.name)
    if not left:
        return found
    names = ", ".join(left[:8]) + (f" and {len(left) - 8} more" if len(left) > 8 else "")
    note = f"Not factorized, as the factors would save nothing: {names}. A lower rank may."
    return with_notes(found, [note])


def _saves(before: Graph, after: Graph) -> bool:
    old, new = before.cost(), after.cost()
    return new.macs < old.macs and new.parameters <= old.parameters


def replaced(graph: Graph, layer: Factored, chain: Chain) -> Graph:
    """The graph with a chain in the place of a layer; nodes that shared weights share factors."""
    edit = Edit(graph)
    last = len(chain) - 1
    kernels, biases = [], []
    for link in chain:
        name, zeros = f"{layer.name}/{link.suffix}", np.zeros(_outputs(link), np.float32)
        kernels.append(edit.constant(f"{name}/kernel", np.asarray(link.weights, np.float32)))
        biases.append(edit.constant(f"{name}/bias", zeros))
    for node in layer.nodes:
        nodes, source = [], node.inputs[0]
        shape = graph.tensors[source].shape
        for number, link in enumerate(chain):
            shape = link.op.infer_shape([shape, link.weights.shape, (_outputs(link),)])
            if number == last:
                op = _activated(link.op, node.op)
                inputs = (source, kernels[number], node.inputs[2])
                nodes.append(Node(node.name, op, inputs, node.outputs))
                continue
            like = graph.tensors[node.outputs[0]]
            inputs = (source, kernels[number], biases[number])
            source = edit.tensor(f"{node.name}/{link.suffix}", like, shape)
            nodes.append(Node(source, link.op, inputs, (source,)))
        edit.replace(node, nodes)
    return edit.apply()


def _outputs(link: Link) -> int:
    axis = link.op.weight_axis
    assert axis is not None
    return int(link.weights.shape[axis])


def _activated(op: Operator, like: Operator) -> Operator:
    """The operator with the activation of the layer that it replaces."""
    assert isinstance(op, Conv2D | FullyConnected)
    assert isinstance(like, Conv2D | FullyConnected)
    return op if like.activation is Activation.NONE else replace(op, activation=like.activation)
