"""Random graphs with dead, unread and duplicate channels: the reduced graph computes the same
values, and its record restores every original tensor.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conformance import extreme_inputs
from host import run_on_host
from planted import planted_graph, with_dead, with_unread
from random_graphs import random_graph
from small_models import small_classifier

from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.ir.graph import Graph
from tinycomp.ir.reduction import CONSTANT, UNREAD
from tinycomp.ir.tensor import Array
from tinycomp.options.build import Preparation
from tinycomp.prepare import prepare
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import reduce
from tinycomp.reference.compare import TensorExecution, simulator, verify

SEEDS = range(60)
IN_C = (0, 2, 3, 4, 6, 7)
"""Seeds of graphs with something to remove."""


@cache
def reduced(seed: int) -> tuple[Graph, Graph]:
    graph = planted_graph(seed)
    return graph, reduce(graph, Silent())


def samples(graph: Graph, seed: int) -> Array:
    shape = graph.tensors[graph.inputs[0]].shape
    return extreme_inputs(np.random.default_rng(seed), shape, samples=4)


def test_every_original_tensor_equals_litert_s() -> None:
    for seed in SEEDS:
        graph, smaller = reduced(seed)
        inputs = samples(graph, seed)
        found = verify(smaller, write_tflite(graph), inputs, [simulator(smaller)])
        assert found.equal, f"seed {seed}: {found.differences[0]}"
        assert found.tensors == len(graph.nodes)


@pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
@pytest.mark.parametrize("seed", IN_C)
def test_c_of_the_reduced_graph_computes_the_same(seed: int, tmp_path: Path) -> None:
    graph, smaller = reduced(seed)
    assert smaller.reduction is not None
    host = TensorExecution("host", lambda inputs: run_on_host(smaller, inputs, tmp_path))
    found = verify(smaller, write_tflite(graph), samples(graph, seed), [host])
    assert found.equal, str(found.differences[0])


def test_the_interface_stays() -> None:
    for seed in SEEDS:
        graph, smaller = reduced(seed)
        assert smaller.inputs == graph.inputs
        for before, after in zip(
            (*graph.inputs, *graph.outputs), (*smaller.inputs, *smaller.outputs), strict=True
        ):
            assert smaller.tensors[after].shape == graph.tensors[before].shape
            assert smaller.tensors[after].quantization == graph.tensors[before].quantization


def test_shapes_of_the_reduced_graph_are_consistent() -> None:
    for seed in SEEDS:
        _, smaller = reduced(seed)
        for node in smaller.nodes:
            shapes = [smaller.value(name).shape for name in node.inputs]
            assert node.op.infer_shape(shapes) == smaller.tensors[node.outputs[0]].shape
        used = {name for node in smaller.nodes for name in (*node.inputs, *node.outputs)}
        assert set(smaller.tensors) | set(smaller.constants) == used | set(smaller.inputs)


def test_reduction_is_idempotent() -> None:
    for seed in SEEDS:
        _, smaller = reduced(seed)
        assert reduce(smaller, Silent()) is smaller


def test_the_random_graphs_have_much_to_remove() -> None:
    """They lose nearly half of their work on average: constants, unread channels, duplicates and
    nodes.
    """
    elements, shares = Counter[str](), []
    for seed in SEEDS:
        graph, smaller = reduced(seed)
        if graph.cost().macs:
            shares.append(smaller.cost().macs / graph.cost().macs)
        if smaller.reduction is None:
            continue
        for reduction in smaller.reduction.tensors.values():
            computed = reduction.source[reduction.source >= 0]
            elements["constant"] += int((reduction.source == CONSTANT).sum())
            elements["unread"] += int((reduction.source == UNREAD).sum())
            elements["double"] += computed.size - len(np.unique(computed))
    assert np.mean(shares) < 0.6
    assert min(elements["constant"], elements["unread"]) > 1000
    assert elements["double"] > 30


def test_a_graph_without_anything_to_remove_is_returned_unchanged() -> None:
    graph = small_classifier()
    assert reduce(graph, Silent()) is graph


def test_a_seed_gives_one_reduced_graph() -> None:
    first, second = (write_tflite(reduce(random_graph(5), Silent())) for _ in range(2))
    assert first == second


def test_preparing_a_model_keeps_its_file_and_notes_removals(tmp_path: Path) -> None:
    graph = with_dead(small_classifier(), "fully_connected", [1], bias=300)
    graph = with_unread(graph, "fully_connected", [5, 11, 17, 23])
    path = tmp_path / "model.tflite"
    path.write_bytes(write_tflite(graph))
    progress = Silent()
    prepared = prepare(Preparation(path), progress)
    assert prepared.tflite == path.read_bytes()
    assert prepared.graph.cost().macs < graph.cost().macs
    assert progress.notes == [
        f"Removed what has no effect, exactly: {graph.cost().macs:,} to "
        f"{prepared.graph.cost().macs:,} multiply-accumulates, {graph.cost().parameters:,} to "
        f"{prepared.graph.cost().parameters:,} parameters."
    ]
