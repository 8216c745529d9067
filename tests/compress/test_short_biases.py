"""Short biases: initial accumulator values fit in two bytes, and outputs hardly change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conformance import weighted_case

from tinycomp.ir.graph import Graph
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.plan.program import Storage, lower
from tinycomp.techniques.short_biases import LIMIT, ROUNDED, shorten_biases


def dense(spread: float, large: int) -> Graph:
    """A layer with 60 outputs and biases around +-large."""
    case = weighted_case(
        "dense", FullyConnected(), (90,), (60, 90), seed=1, zero_points=(-128, -3), spread=spread
    )
    bias = case.graph.constants["bias"]
    values = np.random.default_rng(2).integers(-large, large, 60).astype(np.int32)
    constants = {**case.graph.constants, "bias": replace(bias, values=values)}
    return replace(case.graph, constants=constants)


def starts(graph: Graph) -> np.ndarray:
    weights = graph.constants["weights"].values.astype(np.int64)
    zero_point = graph.tensors["input"].quantization.zero_point
    return graph.constants["bias"].values - zero_point * weights.sum(axis=1)


def width(graph: Graph) -> int:
    """Bytes that the portable kernel's constants take for initial accumulator values."""
    (operation,) = lower(graph, Storage(), "generic").operations
    return int(operation.fields["constants"][0]) % 128


def test_initial_values_take_two_bytes() -> None:
    graph = dense(spread=0.05, large=1 << 20)
    shorter = shorten_biases(graph)
    assert width(graph) > 2
    assert width(shorter) == 2
    before, after = starts(graph), starts(shorter)
    places = int(np.bitwise_or.reduce(after)) & -int(np.bitwise_or.reduce(after))
    assert np.abs(after // places).max() <= LIMIT
    node = graph.nodes[0]
    source, weights = graph.tensors["input"].quantization, graph.constants["weights"].quantization
    scale = graph.tensors[node.outputs[0]].quantization.scale
    factors = source.scale * np.array(weights.scales) / scale
    moved = np.abs((after - before) * factors)
    assert 0 < moved.max() <= ROUNDED


@pytest.mark.parametrize(("spread", "large"), [(40.0, 1 << 24), (0.05, 1 << 10)])
def test_biases_stay_if_it_would_matter_or_saves_nothing(spread: float, large: int) -> None:
    graph = dense(spread, large)
    if large > LIMIT:
        assert shorten_biases(graph).constants["bias"] is graph.constants["bias"]
    else:
        assert np.abs(starts(shorten_biases(graph)) - starts(graph)).max() <= 1 << 4


def test_a_float_graph_is_unchanged() -> None:
    graph = dense(0.05, 1 << 20)
    tensors = {name: replace(tensor, quantization=None) for name, tensor in graph.tensors.items()}
    graph = replace(graph, tensors=tensors)
    assert shorten_biases(graph).constants["bias"] is graph.constants["bias"]
