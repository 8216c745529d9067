"""Shared constants and equal arrays are stored once in the generated library."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from small_models import WEIGHTS, Layers, write_library

from tinycomp.ir.graph import Graph
from tinycomp.ops._window import Window

SIZE = 8 * 3 * 3 * 8


def twice(copies: bool, weights: str) -> Graph:
    """Two convolutions in sequence, with the same constants or copies of them."""
    layers = Layers((6, 6, 8), 4)
    layers.weights = weights
    first = layers.conv("input", 8, Window.make("same", (6, 6), (3, 3)))
    node = layers.builder.builder.nodes[-1]
    constants = [layers.builder.builder.constants[name] for name in node.inputs[1:]]
    if copies:
        own = [replace(each, name=f"{each.name}_copy") for each in constants]
        layers.builder.add(node.op, [first], layers.quantization(first), own)
    else:
        layers.builder.add(node.op, [first, *node.inputs[1:]], layers.quantization(first))
    return layers.graph()


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("copies", [False, True])
def test_weights_shared_by_two_layers_are_one_array(
    copies: bool, weights: str, tmp_path: Path
) -> None:
    both = arrays(twice(copies, weights), tmp_path / "both")
    graph = twice(copies, weights)
    alone = arrays(replace(graph, nodes=graph.nodes[:1], outputs=graph.nodes[0].outputs),
                   tmp_path / "alone")  # fmt: skip
    large = [size for size in alone if size >= 64]
    assert large
    assert [size for size in both if size >= 64] == large
    assert (SIZE in both) == (weights == "any")


def arrays(graph: Graph, folder: Path) -> list[int]:
    """Lengths of the constant arrays."""
    text = (write_library(graph, folder) / "t_weights.c").read_text()
    return [int(size) for size in re.findall(r"TC_CONST \w+ \w+\[(\d+)\] = \{", text)]
