"""What the lossless reduction removes from the official models, without changing values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinycomp.common.progress import Silent
from tinycomp.frontend.tflite import read_tflite
from tinycomp.ir.graph import Graph
from tinycomp.reducing import reduce
from tinycomp.reference.compare import simulator, verify

pytestmark = pytest.mark.shared


def weights(graph: Graph) -> int:
    """Bytes of int8 weights."""
    layers = [node for node in graph.nodes if node.op.weight_axis is not None]
    return sum(graph.constants[node.inputs[1]].values.size for node in layers)


def test_half_of_visual_wake_words_is_dead(shared: Path) -> None:
    path = shared / "models" / "vww_96_int8.tflite"
    graph = read_tflite(path)
    smaller = reduce(graph, Silent())
    assert (graph.cost().macs, weights(graph)) == (7_489_664, 208_112)
    assert (smaller.cost().macs, weights(smaller)) == (3_727_313, 29_066)
    rng = np.random.default_rng(0)
    free = rng.integers(-128, 128, (3, 96, 96, 3))
    flat = [np.full((1, 96, 96, 3), value) for value in (-128, 127)]
    inputs = np.concatenate([free, *flat]).astype(np.int8)
    found = verify(smaller, path.read_bytes(), inputs, [simulator(smaller)])
    assert found.equal, str(found.differences[0])
    assert found.tensors == len(graph.nodes)


@pytest.mark.parametrize("model", ["kws_ref_model", "ic_resnet8", "ad01", "str_ww_ref_model"])
def test_nothing_is_dead_in_the_others(model: str, shared: Path) -> None:
    graph = read_tflite(shared / "models" / f"{model}_int8.tflite")
    assert reduce(graph, Silent()) is graph
