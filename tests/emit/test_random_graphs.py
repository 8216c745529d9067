"""Random graphs: LiteRT's reference kernels, the simulator and C on the host agree in every byte.

This checks addresses of buffers that are alive at the same time: branches, joins, in-place layers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conformance import extreme_inputs
from host import run_on_host
from random_graphs import WORDS, random_graph, with_words

from tinycomp.device import firmware_build
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._registry import operators
from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

IN_C = range(20)
IN_PYTHON = range(20, 120)
WITH_WORDS = range(3)


def samples(graph: Graph, seed: int) -> Array:
    shape = graph.tensors[graph.inputs[0]].shape
    return extreme_inputs(np.random.default_rng(seed), shape, samples=4)


def first_difference(found: dict[str, Array], expected: dict[str, Array]) -> str | None:
    """The first tensor, in the order of computation, that differs."""
    return next((name for name in found if not np.array_equal(found[name], expected[name])), None)


@pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
@pytest.mark.parametrize("seed", IN_C)
def test_c_equals_simulator_equals_litert(seed: int, tmp_path: Path) -> None:
    graph = random_graph(seed)
    inputs = samples(graph, seed)
    expected = oracle.run(write_tflite(graph), inputs)
    assert first_difference(simulate(graph, inputs), expected) is None
    assert first_difference(run_on_host(graph, inputs, tmp_path), expected) is None


@pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
@pytest.mark.parametrize("seed", WITH_WORDS)
def test_graphs_behind_an_embedding(seed: int, tmp_path: Path) -> None:
    graph = with_words(random_graph(seed), seed)
    shape = graph.tensors["numbers"].shape
    inputs = np.random.default_rng(seed).integers(0, WORDS, (4, *shape)).astype(np.int16)
    expected = oracle.run(write_tflite(graph), inputs)
    assert first_difference(simulate(graph, inputs), expected) is None
    assert first_difference(run_on_host(graph, inputs, tmp_path), expected) is None


def test_simulator_equals_litert_on_many() -> None:
    for seed in IN_PYTHON:
        graph = random_graph(seed)
        inputs = samples(graph, seed)
        expected = oracle.run(write_tflite(graph), inputs)
        assert first_difference(simulate(graph, inputs), expected) is None, f"seed {seed}"


OVER_TIME = {"counted_mean", "gru", "lstm", "lstm_steps", "simple_rnn"}


def test_the_random_graphs_cover_all_features() -> None:
    """Together they have every operator but layers over time, whose random shapes are in
    tests/ops/cases; those in C have branches, tensors that nothing reads,
    shared memory and in-place layers, and most of their tensors hold many values.
    """
    graphs = [random_graph(seed) for seed in IN_C]
    every = [*graphs, *(random_graph(seed) for seed in IN_PYTHON)]
    behind = [with_words(random_graph(seed), seed) for seed in WITH_WORDS]
    names = {node.op.name for graph in [*every, *behind] for node in graph.nodes}
    assert names == {
        name
        for name, kind in operators().items()
        if not kind.float_only and not kind.emitted_only and name not in OVER_TIME
    }
    readers = [
        len(graph.consumers(name))
        for graph in graphs
        for name in graph.tensors
        if name not in graph.outputs
    ]
    assert max(readers) > 2
    assert min(readers) == 0
    plans = [plan(lower(graph)) for graph in graphs]
    assert all(found.arena < total(found.program.graph) for found in plans)
    assert sum(in_place(graph) for graph in graphs) > len(graphs) / 2
    varied = [
        len(np.unique(values)) > 3
        for seed, graph in zip(IN_C, graphs, strict=True)
        for values in simulate(graph, samples(graph, seed)).values()
    ]
    assert np.mean(varied) > 0.8


def total(graph: Graph) -> int:
    return sum(tensor.size for tensor in graph.tensors.values())


def in_place(graph: Graph) -> bool:
    """Whether a kernel writes over its input."""
    found = plan(lower(graph))
    return any(
        operation.call is not None
        and found.storage[operation.node.inputs[0]] == found.storage[operation.node.outputs[0]]
        for operation in found.program.operations
    )


def test_a_seed_gives_one_graph() -> None:
    first, second, other = (write_tflite(random_graph(seed)) for seed in (3, 3, 4))
    assert first == second != other
