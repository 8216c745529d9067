"""Random int8 graphs in which channels are dead, unread or twice there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from random_graphs import random_graph

from tinycomp.ir import Array, Constant, Graph, Node, QuantizationParameters


def planted_graph(seed: int) -> Graph:
    """A random graph; in half of its weighted layers channels are dead, unread, or copies."""
    graph = random_graph(seed)
    rng = np.random.default_rng(seed + 10_000)
    constants = dict(graph.constants)
    for node in graph.nodes:
        if node.op.weight_axis is not None and rng.random() < 0.8:
            _plant(rng, node, graph.tensors[node.inputs[0]].shape[-1], constants)
    return replace(graph, constants=constants)


def _plant(
    rng: np.random.Generator, node: Node, inputs: int, constants: dict[str, Constant]
) -> None:
    _, weights, bias = (constants.get(name) for name in node.inputs)
    assert weights is not None and bias is not None
    axis = node.op.weight_axis or 0
    rows = np.moveaxis(weights.values.copy(), axis, 0)
    amounts = bias.values.copy()
    scales = np.array(_parameters(weights).scales)
    biases = np.array(_parameters(bias).scales)
    if axis == 0 and rng.random() < 0.6:
        rows[..., rng.random(inputs) < 0.3] = 0
    if axis == 0 and rng.random() < 0.3:
        rows //= 4
    for channel in range(len(rows)):
        kind = rng.random()
        if kind < 0.35:
            rows[channel] = 0
            amounts[channel] = rng.choice([0, 0, -30_000, 900, 30_000])
        elif kind < 0.5:
            twin = int(rng.integers(len(rows)))
            for array in (rows, amounts, scales, biases):
                array[channel] = array[twin]
    constants[weights.name] = replace(
        weights,
        values=np.ascontiguousarray(np.moveaxis(rows, 0, axis)),
        quantization=_scaled(weights, scales),
    )
    constants[bias.name] = replace(bias, values=amounts, quantization=_scaled(bias, biases))


def _parameters(constant: Constant) -> QuantizationParameters:
    assert constant.quantization is not None
    return constant.quantization


def _scaled(constant: Constant, scales: Array) -> QuantizationParameters:
    return replace(_parameters(constant), scales=tuple(scales.tolist()))
