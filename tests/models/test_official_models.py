"""Every tensor of the five official models: LiteRT and the simulator give the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinycomp.frontend.tflite import read_tflite
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

REAL = 8
"""Real inputs per model, in addition to 4 random ones, one of extremes, all smallest, all largest.
"""

pytestmark = pytest.mark.shared


def _rows(folder: Path, name: str, array: str) -> Array:
    with np.load(folder / "data" / f"{name}.npz", allow_pickle=False) as data:
        rows: Array = data[array][:: max(1, len(data[array]) // REAL)][:REAL]
    return rows


def _quantized(graph: Graph, values: Array) -> Array:
    parameters = graph.tensors[graph.inputs[0]].quantization
    assert parameters is not None
    steps = np.rint(values / parameters.scale) + parameters.zero_point
    return np.clip(steps, -128, 127).astype(np.int8)


def _real(model: str, graph: Graph, shared: Path) -> Array:
    """Real inputs as int8: keywords, pictures, crops of people, car sounds, wake words."""
    if model == "kws_ref_model":
        return _rows(shared, "kws01", "x_test")
    if model == "ic_resnet8":
        return _quantized(graph, _rows(shared, "cifar10", "x_test").astype(np.float32))
    if model == "vww_96":
        crops = _rows(shared, "person_crops", "x_test")
        wide = np.pad(crops, ((0, 0), (0, 0), (24, 24), (0, 0)), mode="edge")
        return _quantized(graph, wide / np.float32(255))
    if model == "ad01":
        return _quantized(graph, _rows(shared, "toycar_2clips", "x").reshape(-1, 640)[:REAL])
    return _quantized(graph, _rows(shared, "sww_stream", "x_calib"))


def _random(graph: Graph) -> Array:
    shape = graph.tensors[graph.inputs[0]].shape
    rng = np.random.default_rng(0)
    free = rng.integers(-128, 128, (4, *shape))
    extreme = rng.choice([-128, 127], (1, *shape))
    flat = [np.full((1, *shape), value) for value in (-128, 127)]
    return np.concatenate([free, extreme, *flat]).astype(np.int8)


@pytest.mark.parametrize(
    "model", ["kws_ref_model", "ic_resnet8", "vww_96", "ad01", "str_ww_ref_model"]
)
def test_every_tensor(model: str, shared: Path) -> None:
    path = shared / "models" / f"{model}_int8.tflite"
    graph = read_tflite(path)
    inputs = np.concatenate([_real(model, graph, shared), _random(graph)])
    found = simulate(graph, inputs)
    for source, data in (("the file", path.read_bytes()), ("our export", write_tflite(graph))):
        expected = oracle.run(data, inputs)
        assert list(expected) == list(found), source
        for name, values in expected.items():
            assert np.array_equal(found[name], values), f"{name} of {source}"
