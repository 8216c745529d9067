"""Float graphs made of the int8 graphs of other tests: the same layers, real values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, dequantize_values
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.tanh import Tanh
from tinycomp.passes._rewrite import Edit
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle

INT8_ONLY = frozenset({"lookup"})
"""Operators that float graphs never hold: a lookup maps stored values."""


PARTIAL = frozenset({"logarithm", "root"})
"""Operators without a result for some real values, where training and LiteRT may differ."""


def float_graph(graph: Graph, *, total: bool = False) -> Graph:
    """The graph with real constants; its tensors are float32. Other scales for the same real
    values, which LiteRT has for integers only, are left out.
    """
    other = INT8_ONLY | PARTIAL if total else INT8_ONLY
    constants = {
        name: replace(
            constant,
            values=dequantize_values(constant.values, constant.quantization),
            quantization=None,
        )
        for name, constant in graph.constants.items()
        if constant.quantization is not None
    }
    tensors = {
        name: replace(tensor, dtype="float32", quantization=None)
        for name, tensor in graph.tensors.items()
    }
    nodes = tuple(
        replace(node, op=Tanh() if node.op.name in other else node.op.unquantized())
        for node in graph.nodes
    )
    edit = Edit(replace(graph, nodes=nodes, tensors=tensors, constants=constants))
    for node in nodes:
        if isinstance(node.op, Quantize):
            edit.remove(node, node.inputs[0])
    return edit.apply()


def float_inputs(graph: Graph, inputs: Array) -> Array:
    """int8 inputs of an int8 graph as real values."""
    parameters = graph.tensors[graph.inputs[0]].quantization
    assert parameters is not None
    return dequantize_values(inputs, parameters)


def run(graph: Graph, x: Array) -> Array:
    """The first output, as LiteRT computes it."""
    return oracle.run_float(write_tflite(graph), x)[graph.outputs[0]]


def difference(found: Array, expected: Array) -> float:
    """The largest difference, as a share of the largest output."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(1e-6, np.abs(expected).max()))
