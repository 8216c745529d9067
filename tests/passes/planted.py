"""int8 graphs with dead, unused or duplicate channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from random_graphs import random_graph

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters

FAR = 1 << 20
"""A bias that always saturates the output."""


def node_of(graph: Graph, name: str) -> Node:
    return next(node for node in graph.nodes if node.name == name)


def with_dead(graph: Graph, name: str, channels: Sequence[int], bias: int = 0) -> Graph:
    """Set the weights of output channels to zero; the outputs are zero or given by the bias."""
    rows, amounts = _rows(graph, name)
    rows[list(channels)], amounts[list(channels)] = 0, bias
    return _with_rows(graph, name, rows, amounts)


def with_unread(graph: Graph, name: str, inputs: Sequence[int]) -> Graph:
    """Set the weights of input channels of a convolution or dense layer to zero."""
    rows, amounts = _rows(graph, name)
    rows[..., list(inputs)] = 0
    return _with_rows(graph, name, rows, amounts)


def with_twin(graph: Graph, name: str, channel: int, twin: int) -> Graph:
    """Make an output channel a copy of another."""
    rows, amounts = _rows(graph, name)
    rows[channel], amounts[channel] = rows[twin], amounts[twin]
    graph = _with_rows(graph, name, rows, amounts)
    constants = dict(graph.constants)
    for key in node_of(graph, name).inputs[1:]:
        scales = np.array(_parameters(constants[key]).scales)
        scales[channel] = scales[twin]
        constants[key] = _scaled(constants[key], scales)
    return replace(graph, constants=constants)


def with_small_weights(graph: Graph, name: str, divisor: int = 4) -> Graph:
    """Small weights, several of which can be added without overflow."""
    rows, amounts = _rows(graph, name)
    return _with_rows(graph, name, rows // divisor, amounts)


def planted_graph(seed: int) -> Graph:
    """A random graph with dead, unread or duplicate channels in most layers with weights."""
    graph = random_graph(seed)
    rng = np.random.default_rng(seed + 10_000)
    for node in graph.nodes:
        if node.op.weight_axis is not None and rng.random() < 0.8:
            graph = _planted(graph, node.name, rng)
    return graph


def _planted(graph: Graph, name: str, rng: np.random.Generator) -> Graph:
    node = node_of(graph, name)
    inputs, outputs = (graph.tensors[x].shape[-1] for x in (node.inputs[0], node.outputs[0]))
    if node.op.weight_axis == 0 and rng.random() < 0.6:
        graph = with_unread(graph, name, np.flatnonzero(rng.random(inputs) < 0.3).tolist())
    if rng.random() < 0.6:
        graph = with_small_weights(graph, name)
    for channel in range(outputs):
        kind = rng.random()
        if kind < 0.35:
            graph = with_dead(graph, name, [channel], int(rng.choice([0, 0, 900, -FAR, FAR])))
        elif kind < 0.5:
            graph = with_twin(graph, name, channel, int(rng.integers(outputs)))
    return graph


def _rows(graph: Graph, name: str) -> tuple[Array, Array]:
    """Copies of the weights (output channel first) and of the bias."""
    node = node_of(graph, name)
    _, weights, bias = (graph.constants.get(key) for key in node.inputs)
    assert weights is not None
    assert bias is not None
    return np.moveaxis(weights.values, node.op.weight_axis or 0, 0).copy(), bias.values.copy()


def _with_rows(graph: Graph, name: str, rows: Array, amounts: Array) -> Graph:
    node = node_of(graph, name)
    _, weights, bias = node.inputs
    values = np.ascontiguousarray(np.moveaxis(rows, 0, node.op.weight_axis or 0))
    changed = {
        weights: replace(graph.constants[weights], values=values),
        bias: replace(graph.constants[bias], values=amounts),
    }
    return replace(graph, constants={**graph.constants, **changed})


def _parameters(constant: Constant) -> QuantizationParameters:
    assert constant.quantization is not None
    return constant.quantization


def _scaled(constant: Constant, scales: Array) -> Constant:
    known = replace(_parameters(constant), scales=tuple(scales.tolist()))
    return replace(constant, quantization=known)
