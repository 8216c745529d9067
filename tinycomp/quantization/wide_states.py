"""Recurrent layers whose states get 16 bits where 8 cost accuracy.

A state of 8 bits moves in steps of 1/128: what a long memory adds in smaller steps is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tinycomp.int16._registry import has_int16
from tinycomp.ir.graph import Graph, Node
from tinycomp.quantization.types import Precision

NOTABLE = 0.01
"""The smallest error of 8-bit outputs that is looked into, as a fraction of their size."""
CLOSER = 0.5
"""How much closer to float 16-bit states have to bring the outputs."""


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


def widened(
    graph: Graph, precision: Precision, error: float, error_with: Callable[[Precision], float]
) -> tuple[Precision, float] | None:
    """The precision with 16-bit states, and its error; None if 8 bits do as well.

    Args:
        graph: float.
        precision: the one without.
        error: of the outputs with it, as a fraction of their size.
        error_with: the same with another precision.
    """
    layers = recurrent_on_bytes(graph, precision)
    if not layers or error < NOTABLE:
        return None
    wide = replace(precision, by_layer={**precision.by_layer, **{node.name: 16 for node in layers}})
    found = error_with(wide)
    return (wide, found) if found < CLOSER * error else None


def wide_note(graph: Graph, precision: Precision, ratio: float) -> str:
    """What was chosen, and how to undo it."""
    names = [node.name for node in recurrent_on_bytes(graph, precision)]
    layers = ", ".join(repr(name) for name in names)
    verb = "has a state" if len(names) == 1 else "have states"
    lines = ", ".join(f'`layers."{name}".activations = 8`' for name in names)
    return (
        f"{layers} {verb} of 16 bits: the outputs are {ratio:.1f} times closer to float than with "
        f"8. It takes more time and RAM; to keep 8 bits, build with a recipe: {lines}."
    )
