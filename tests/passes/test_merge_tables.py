"""Consecutive tables are merged, with the same values, unless another layer reads the first."""

from __future__ import annotations

import numpy as np
from conformance import parameters
from small_models import Layers

from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.ops.function import Function
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.lookup import Lookup
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import reduce
from tinycomp.reference.compare import simulator, verify


def _chain(*, read_twice: bool) -> Graph:
    layers = Layers((5, 4, 3))
    first = layers.apply(Function("mish"), "input", parameters(0.05, -40))
    second = layers.apply(HardSwish(), first, parameters(0.04, -20))
    last = layers.apply(Function("softsign"), second, parameters(0.008, 3))
    if read_twice:
        layers.add(last, first)
    return layers.graph()


def _equal(graph: Graph, reduced: Graph) -> bool:
    inputs = np.random.default_rng(0).integers(-128, 128, (4, 5, 4, 3)).astype(np.int8)
    return verify(reduced, write_tflite(graph), inputs, [simulator(reduced)]).equal


def test_three_become_one() -> None:
    graph = _chain(read_twice=False)
    reduced = reduce(graph, Silent())
    (node,) = reduced.nodes
    assert isinstance(node.op, Lookup)
    assert node.outputs == graph.nodes[-1].outputs
    assert _equal(graph, reduced)


def test_one_that_is_read_twice_stays() -> None:
    graph = _chain(read_twice=True)
    reduced = reduce(graph, Silent())
    assert [node.op.name for node in reduced.nodes] == ["function", "lookup", "add"]
    assert _equal(graph, reduced)
