"""Factorization: replaces layers by chains of smaller layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.passes._rewrite import Edit
from tinycomp.techniques._layers import with_notes

Option = TypeVar("Option")
POINT = Window((1, 1))


@dataclass(frozen=True, eq=False)
class Link:
    """One layer of a chain."""

    suffix: str
    """Appended to the name of the replaced layer."""
    op: Operator
    """The operator, without activation."""
    weights: Array
    """In the operator's layout."""


Chain = Sequence[Link]
"""Layers in execution order; the last gets the name, bias and activation of the replaced layer."""


@dataclass(frozen=True, eq=False)
class Factored:
    """A layer that can be replaced by factors."""

    nodes: tuple[Node, ...]
    """The nodes that share its weights, in the order of the graph."""
    weights: Array
    """float64, in the operator's layout."""

    @property
    def name(self) -> str:
        """The first node's name."""
        return self.nodes[0].name

    @property
    def op(self) -> Conv2D | FullyConnected:
        """The first node's operator; all nodes have the same window."""
        op = self.nodes[0].op
        assert isinstance(op, Conv2D | FullyConnected)
        return op


def factorable(graph: Graph, *, windows: bool = False) -> tuple[Factored, ...]:
    """The dense layers and convolutions; nodes that share weights are one layer.

    Args:
        graph: a float graph.
        windows: only convolutions with a window larger than 1 x 1.

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
        kind = "convolution larger than 1 x 1" if windows else "convolution or dense layer"
        raise TinycompError(
            f"'{graph.name}' has no {kind} that could be factorized.", hint="Omit this step."
        )
    return found


def _window(op: Operator) -> Window | None:
    return op.window if isinstance(op, Conv2D) else None


def _cells(op: Operator) -> int:
    """The window size of a convolution; 1 for a dense layer."""
    return op.window.kernel[0] * op.window.kernel[1] if isinstance(op, Conv2D) else 1


def by_layer(layers: Sequence[Factored], options: Mapping[str, Option]) -> list[Option | None]:
    """The option of each layer, or None, from options by layer names or patterns; later ones win.

    Raises:
        TinycompError: a pattern matches none of the layers.
    """
    found: list[Option | None] = [None] * len(layers)
    for pattern, option in options.items():
        matched = [n for n, layer in enumerate(layers)
                   if any(fnmatchcase(node.name, pattern) for node in layer.nodes)]  # fmt: skip
        if not matched:
            raise TinycompError(
                f"'{pattern}' matches no layer that this technique can replace.",
                expected=f"Expected some of {', '.join(layer.name for layer in layers) or 'none'}.",
            )
        for number in matched:
            found[number] = option
    return found


def require_rank(layer: Factored, rank: int, full: int, what: str = "rank") -> None:
    """Check the given rank of a layer.

    Raises:
        TinycompError: it is below 1 or above the full rank.
    """
    if not 1 <= rank <= full:
        raise TinycompError(
            f"Layer '{layer.name}' can't have the {what} {rank}.",
            expected=f"Expected 1 to {full}, the full {what} of its weights {layer.weights.shape}.",
        )


def require_energy(energy: float) -> None:
    """Check the option `energy`: the share of the squared weights that factors keep.

    Raises:
        TinycompError: it is not in (0, 1].
    """
    if not 0 < energy <= 1:
        raise TinycompError(
            f"energy = {energy:g} is not a share of the squared weights.",
            expected="Expected 0 < energy <= 1; 0.9 drops a tenth.",
        )


def rank_of_energy(singular: NDArray[np.float64], energy: float) -> int:
    """The smallest rank that keeps a share of the squares of descending singular values."""
    squares = np.cumsum(singular**2)
    reached = squares >= energy * squares[-1] * (1 - 1e-12)
    return int(np.argmax(reached)) + 1


def with_factors(
    graph: Graph, layers: Sequence[Factored], chain: Callable[[Factored], Chain | None]
) -> Graph:
    """The graph with layers replaced by chains, where that saves multiply-accumulates and adds no
    parameters. A note names the layers that are not replaced.
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
    note = f"Not factorized, because factors would save nothing: {names}. Try a lower rank."
    return with_notes(found, [note])


def _saves(before: Graph, after: Graph) -> bool:
    old, new = before.cost(), after.cost()
    return new.macs < old.macs and new.parameters <= old.parameters


def replaced(graph: Graph, layer: Factored, chain: Chain) -> Graph:
    """The graph with a layer replaced by a chain; nodes that share weights share the factors."""
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
