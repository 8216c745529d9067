"""The simulator: results, batches, and errors."""

from __future__ import annotations

import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tinycomp.common.errors import DataError, ModelError
from tinycomp.frontend.tflite import read_tflite
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Tensor
from tinycomp.reference import simulate as simulator
from tinycomp.reference.simulate import run, simulate

sys.path.append(str(Path(__file__).resolve().parent / "ops"))

from conformance import cases_of

CASE = cases_of("add")[0]


def test_all_tensors_by_name() -> None:
    found = simulate(CASE.graph, CASE.inputs)
    assert list(found) == ["input", "conv_2d", "conv_2d_1", "add"]
    for name, values in found.items():
        assert values.dtype == np.int8
        assert values.shape == (len(CASE.inputs), *CASE.graph.tensors[name].shape)


def test_batches_do_not_change_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = simulate(CASE.graph, CASE.inputs)["add"]
    for elements in (1, 1000, 1 << 30):
        monkeypatch.setattr(simulator, "BATCH_ELEMENTS", elements)
        assert np.array_equal(run(CASE.graph, CASE.inputs), expected)


def test_no_samples() -> None:
    assert run(CASE.graph, CASE.inputs[:0]).shape == (0, 4, 5, 6)


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        (CASE.inputs.astype(np.float32), r"'input' is float32 of shape .* int8 of shape"),
        (CASE.inputs[0], r"of shape \(4, 5, 6\)\. Expected int8 of shape \(samples, 4, 5, 6\)"),
        ({"x": CASE.inputs}, r"has the inputs \['x'\]\. Expected \['input'\]"),
    ],
)
def test_data_that_does_not_fit(inputs: object, text: str) -> None:
    with pytest.raises(DataError, match=text):
        run(CASE.graph, inputs)  # type: ignore[arg-type]


def test_float_graph_is_refused() -> None:
    graph = CASE.graph
    tensors = {name: Tensor(name, tensor.shape) for name, tensor in graph.tensors.items()}
    floating = Graph(graph.name, graph.nodes, tensors, graph.constants, graph.inputs, graph.outputs)
    with pytest.raises(ModelError, match=r"'conv_2d' \(conv_2d\) is not in integers\. Quantize"):
        simulate(floating, CASE.inputs)


@pytest.mark.shared
def test_thousand_keyword_inputs(shared: Path) -> None:
    """In limited time and memory, and with the accuracy of LiteRT's kernels (90.1 %)."""
    graph = read_tflite(shared / "models" / "kws_ref_model_int8.tflite")
    with np.load(shared / "data" / "kws01.npz", allow_pickle=False) as data:
        inputs, labels = data["x_test"], data["y_test"]
    tracemalloc.start()
    start = time.process_time()
    outputs = run(graph, inputs)
    seconds = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 20
    assert peak < 64 << 20
    assert np.mean(outputs.argmax(axis=-1) == labels) == 0.901
