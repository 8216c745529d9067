"""Kernels called row by row on small ring buffers give the same as on whole tensors."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from rows import Kernel, Ring, compile_kernels

from tinycomp.ir.graph import Graph, Node
from tinycomp.ops._rows import rows
from tinycomp.reference.simulate import simulate

sys.path.append(str(Path(__file__).resolve().parent.parent / "ops"))

from conformance import cases_of

STREAMED = (
    "add",
    "average_pool_2d",
    "conv_2d",
    "depthwise_conv_2d",
    "fully_connected",
    "max_pool_2d",
    "mean",
    "reduce_max",
    "relu",
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
    """The output, computed one row at a time (input rows, if the kernel counts those), with only
    the input rows available that each needs.
    """
    operands = graph.operands(node)
    call = node.op.kernel(operands)
    assert call is not None
    inputs = [(i, value) for i, value in enumerate(operands.inputs) if value.name in tensors]
    counted = inputs[0][1] if call.input_rows else operands.output
    steps = range(rows(counted.shape)[0])
    needed = [[node.op.rows_needed(operands, i, y, y + 1) for y in steps] for i, _ in inputs]
    rings = [
        Ring(tensor.shape, max(high - low for low, high in reads))
        for (_, tensor), reads in zip(inputs, needed, strict=True)
    ]
    output = Ring(operands.output.shape, 2)
    result = np.empty((output.height, output.stride), np.int8)
    for y in steps:
        for (_, tensor), ring, reads in zip(inputs, rings, needed, strict=True):
            ring.memory[1:-1] = Ring.MARKER
            for row in range(*reads[y]):
                ring.slot(row)[:] = tensors[tensor.name][row]
        kernel(rings, output, y, y + 1)
        written = 0 if call.input_rows else y
        result[written] = output.slot(written)
        for ring in (*rings, output):
            ring.require_guards()
    return result
