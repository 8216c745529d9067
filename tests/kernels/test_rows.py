"""Kernels called row by row on rings of few rows give what whole tensors give."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from rows import Kernel, Ring, compile_kernels

from tinycomp.ir import Graph, Node
from tinycomp.ops._rows import rows
from tinycomp.ops._window import Window
from tinycomp.simulate import simulate

sys.path.append(str(Path(__file__).resolve().parent.parent / "ops"))

from conformance import cases_of

STREAMED = (
    "add",
    "average_pool_2d",
    "conv_2d",
    "depthwise_conv_2d",
    "fully_connected",
    "max_pool_2d",
    "softmax",
)

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


@pytest.mark.parametrize("operator", STREAMED)
def test_row_by_row_in_rings(operator: str, tmp_path: Path) -> None:
    cases = cases_of(operator)
    found = [(case.graph, case.graph.nodes[-1]) for case in cases]
    for case, (graph, node), kernel in zip(
        cases, found, compile_kernels(tmp_path, found), strict=True
    ):
        assert node.op.name == operator
        tensors = simulate(graph, case.inputs[:1])
        single = {
            name: values[0].reshape(rows(values[0].shape)) for name, values in tensors.items()
        }
        output = _stream(graph, node, kernel, single)
        assert np.array_equal(output, single[node.outputs[0]]), case.name


def _stream(graph: Graph, node: Node, kernel: Kernel, tensors: dict[str, np.ndarray]) -> np.ndarray:
    """The output, made one row at a time with no more input rows at hand than that row needs."""
    inputs = [graph.tensors[name] for name in node.inputs if name in graph.tensors]
    window = getattr(node.op, "window", None)
    rings = [Ring(tensor.shape, window.span[0] if window else 1) for tensor in inputs]
    output = Ring(graph.tensors[node.outputs[0]].shape, 2)
    result = np.empty((output.height, output.stride), np.int8)
    for y in range(output.height):
        for tensor, ring in zip(inputs, rings, strict=True):
            ring.memory[1:-1] = Ring.MARKER
            for row in _needed(window, y, ring.height):
                ring.slot(row)[:] = tensors[tensor.name][row]
        kernel(rings, output, y, y + 1)
        result[y] = output.slot(y)
        for ring in (*rings, output):
            ring.require_guards()
    return result


def _needed(window: Window | None, y: int, height: int) -> range:
    """The input rows that output row y reads; an operand that repeats has one row."""
    if window is None:
        return range(min(y, height - 1), min(y, height - 1) + 1)
    top = y * window.stride[0] - window.padding[0]
    return range(max(0, top), min(height, top + window.span[0]))
