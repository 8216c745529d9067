"""Random graphs on 16-bit activations: LiteRT, the simulator and C that streams rows agree."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from host import run_on_host
from random_graphs import random_graph, steps
from wide_graphs import wide_graph

from tinycomp.common.progress import Silent
from tinycomp.int16._registry import on_int16
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.plan.program import lower
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import reduce
from tinycomp.reference import oracle
from tinycomp.reference.reductions import with_reshapes
from tinycomp.reference.simulate import simulate

KNOWN = {*on_int16(), "batch_normalization"}


def _foreign(graph: Graph) -> int:
    """The number of nodes without a form on int16."""
    return sum(node.op.name not in KNOWN for node in graph.nodes)


def _without_foreign(seed: int) -> Graph:
    """A random graph less the steps that have no form on int16."""
    left_out: list[int] = []
    for step in range(1, steps(seed) + 1):
        if _foreign(random_graph(seed, [*left_out, step])) < _foreign(random_graph(seed, left_out)):
            left_out.append(step)
    return random_graph(seed, left_out)


def _case(seed: int) -> tuple[Graph, Array]:
    """A graph on int16, and inputs that reach extremes."""
    made, x = wide_graph(_without_foreign(seed), seed)
    ends = np.random.default_rng(seed).choice([-32768, 32767], (1, *x.shape[1:])).astype(np.int16)
    return made, np.concatenate([quantize_inputs(made, x[:3]), ends])


SEEDS = [seed for seed in range(14) if not _foreign(_without_foreign(seed))]


@pytest.mark.parametrize("seed", SEEDS)
def test_litert_and_the_simulator_agree(seed: int) -> None:
    graph, inputs = _case(seed)
    expected = with_reshapes(graph, oracle.run(write_tflite(graph), inputs))
    for name, values in simulate(graph, inputs).items():
        np.testing.assert_array_equal(expected[name].reshape(values.shape), values, name)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("seed", SEEDS[:5])
def test_streamed_rows_agree(seed: int) -> None:
    graph, inputs = _case(seed)
    expected = simulate(graph, inputs)[graph.outputs[0]]
    smaller = reduce(graph, Silent())
    count = len(lower(smaller).operations)
    found = run_on_host(smaller, inputs, stretch=range(count))
    np.testing.assert_array_equal(found[smaller.outputs[0]].reshape(expected.shape), expected)
    for name, values in simulate(smaller, inputs).items():
        np.testing.assert_array_equal(found[name], values, name)
