"""Layers that get 16 bits where 8 cost accuracy: states of recurrent layers, shares of attention.

A state of 8 bits moves in steps of 1/128: what a long memory adds in smaller steps is lost. A share
of 8 bits has steps of 1/256: among many keys most shares are rounded to one step or none, and no
longer add up to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

from tinycomp.int16._registry import has_int16
from tinycomp.ir.graph import Graph, Node
from tinycomp.quantization.types import Precision

NOTABLE = 0.01
"""The smallest error of 8-bit outputs that is looked into, as a fraction of their size."""
CLOSER = 0.5
"""How much closer to float 16-bit states or shares have to bring the outputs."""
_MANY = 32
"""Keys whose shares are a few steps of 8 bits each."""


def recurrent_on_bytes(graph: Graph, precision: Precision) -> list[Node]:
    """The layers over time that may have 16 bits: not trained for 8, and not chosen by a recipe."""
    return [
        node
        for node in graph.nodes
        if node.op.hidden
        and has_int16(node.op)
        and node.op == node.op.unquantized()
        and precision.of(node) == 8
        and node.name not in precision.by_layer
    ]


def shares_on_bytes(graph: Graph, precision: Precision) -> list[Node]:
    """The softmaxes over many keys, whose shares weigh something, that a recipe does not choose."""
    return [
        node
        for node in graph.nodes
        if node.op.name == "softmax"
        and precision.of(node) == 8
        and node.name not in precision.by_layer
        and graph.tensors[node.outputs[0]].shape[-1] > _MANY
        and _weigh(graph, node)
    ]


def _weigh(graph: Graph, node: Node) -> bool:
    """Whether something is multiplied with the output."""
    readers = graph.consumers(node.outputs[0])
    return any(each.op.name in ("batch_matmul", "mul") for each in readers)


def widened(
    graph: Graph, precision: Precision, error: float, error_with: Callable[[Precision], float]
) -> tuple[Precision, float] | None:
    """The precision with 16 bits where they count, and its error; None if 8 bits do as well.

    Args:
        graph: float.
        precision: the one without.
        error: of the outputs with it, as a fraction of their size.
        error_with: the same with another precision.
    """
    kinds = [kind(graph, precision) for kind in (recurrent_on_bytes, shares_on_bytes)]
    known = [layers for layers in kinds if layers]
    if error < NOTABLE:
        return None
    for count in range(1, len(known) + 1):
        tried = [
            _with(precision, [node for layers in chosen for node in layers])
            for chosen in combinations(known, count)
        ]
        errors = [error_with(each) for each in tried]
        least = min(errors, default=error)
        if least < CLOSER * error:
            return tried[errors.index(least)], least
    return None


def _with(precision: Precision, layers: Sequence[Node]) -> Precision:
    """The precision with 16 bits for these layers too."""
    return replace(precision, by_layer={**precision.by_layer, **{each.name: 16 for each in layers}})


def wide_note(graph: Graph, precision: Precision, wide: Precision, ratio: float) -> str:
    """What was chosen, and how to undo it.

    Args:
        graph: float.
        precision: the one without.
        wide: the one that was chosen.
        ratio: how many times closer to float the outputs are.
    """
    chosen, said = wide.by_layer.keys() - precision.by_layer.keys(), []
    for kind, one, several in (
        (recurrent_on_bytes, "has a state", "have states"),
        (shares_on_bytes, "has shares", "have shares"),
    ):
        names = [node.name for node in kind(graph, precision) if node.name in chosen]
        if names:
            verb = one if len(names) == 1 else several
            said.append(f"{', '.join(map(repr, names))} {verb} of 16 bits")
    lines = ", ".join(
        f'`layers."{name}".activations = 8`' for name in wide.by_layer if name in chosen
    )
    return (
        f"{', '.join(said)}: the outputs are {ratio:.1f} times closer to float than with "
        f"8. It takes more time and RAM; to keep 8 bits, build with a recipe: {lines}."
    )
