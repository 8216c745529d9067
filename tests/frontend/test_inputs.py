"""Models with several inputs: one row of bytes, equal to LiteRT given the tensors one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conformance import parameters
from delays import cut, some
from host import run_on_host
from random_graphs import random_graph
from tflite_edits import FLOAT32, UINT8, Edit, convert_input, edited

from tinycomp.common.errors import DataError
from tinycomp.common.progress import Silent
from tinycomp.data.dataset import load_data
from tinycomp.emit.library import emit_library
from tinycomp.frontend.keras import read_keras
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Tensor
from tinycomp.ops.reshape import Reshape
from tinycomp.options.build import Preparation
from tinycomp.plan.check import check
from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower
from tinycomp.prepare import prepare
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import reduce
from tinycomp.reference.compare import simulator, verify


def several(seed: int) -> Graph:
    """A random graph with two or three inputs."""
    graph = random_graph(seed)
    return cut(graph, some(graph, 2, seed))


def random_inputs(graph: Graph, count: int = 4) -> Any:
    rng = np.random.default_rng(0)
    return rng.integers(-128, 128, (count, *graph.sample_shape)).astype(np.int8)


@pytest.mark.parametrize("seed", range(2))
def test_c_equals_litert(seed: int, tmp_path: Path) -> None:
    data = write_tflite(several(seed))
    graph = reduce(parse_tflite(data, "m"), Silent())
    assert len(graph.parts) > 1 == len(graph.inputs)
    inputs = random_inputs(graph)
    found = verify(graph, data, inputs, [simulator(graph), Host(graph, tmp_path)])
    assert found.equal, str(found.differences)
    assert found.samples == len(inputs)


def test_an_output_that_only_renames_an_input(tmp_path: Path) -> None:
    scale = parameters(0.5, 3)
    sources = {name: Tensor(name, (3, 2, 4), "int8", scale) for name in ("first", "second")}
    output = Tensor("output", (3, 8), "int8", scale)
    node = Node("output", Reshape((3, 8)), ("second",), ("output",))
    tensors = {**sources, "output": output}
    whole = Graph("m", (node,), tensors, {}, tuple(sources), ("output",))
    data = write_tflite(whole)
    graph = reduce(parse_tflite(data, "m"), Silent())
    check(plan(lower(graph)))
    found = verify(graph, data, random_inputs(graph), [simulator(graph), Host(graph, tmp_path)])
    assert found.equal, str(found.differences)


class Host:
    """Generated C with sanitizers, as an execution."""

    name = "host"

    def __init__(self, graph: Graph, folder: Path) -> None:
        self.graph, self.folder = graph, folder

    def first_difference(self, graph: Graph, inputs: Any, expected: Any) -> Any:
        count = len(graph.nodes)
        found = run_on_host(self.graph, inputs, self.folder, stretch=range(count // 2))
        for name, values in expected.items():
            assert np.array_equal(found[name], values), name
        return None


def test_simulator_equals_litert_on_many() -> None:
    for seed in range(8, 24):
        data = write_tflite(several(seed))
        graph = reduce(parse_tflite(data, "m"), Silent())
        found = verify(graph, data, random_inputs(graph), [simulator(graph)])
        assert found.equal, f"seed {seed}: {found.differences}"


def _first(dtype: int) -> Edit:
    """A conversion of the first input; the others stay as they are."""

    def edit(model: Any, subgraph: Any) -> None:
        others = list(subgraph.inputs[1:])
        convert_input(dtype, 128 if dtype == UINT8 else 0)(model, subgraph)
        subgraph.inputs = np.array([subgraph.inputs[0], *others], np.int32)

    return edit


@pytest.mark.parametrize("dtype", [FLOAT32, UINT8])
def test_ends_of_other_types(dtype: int) -> None:
    data = edited(write_tflite(several(3)), _first(dtype))
    graph = reduce(parse_tflite(data, "m"), Silent())
    found = verify(graph, data, random_inputs(graph), [simulator(graph)])
    assert found.equal, str(found.differences)
    helper = "m_quantize_input_0" if dtype == FLOAT32 else "m_input_from_uint8"
    assert helper.removeprefix("m_") in graph.notes[0]
    assert helper in emit_library(plan(lower(graph)), prefix="m", model_hash="0")["m.h"]


def _keras_model(keras: Any) -> Any:
    k = keras.layers
    image, meta = keras.Input((6, 5, 2), name="image"), keras.Input((4,), name="meta")
    x = k.GlobalAveragePooling2D()(k.Conv2D(3, 3, activation="relu")(image))
    x = k.Concatenate()([x, k.Dense(3, activation="relu")(meta)])
    return keras.Model([image, meta], k.Dense(2, name="out")(x))


def _samples(folder: Path, *suffixes: str, **others: Any) -> Path:
    rng, arrays = np.random.default_rng(1), dict(others)
    for suffix in suffixes:
        arrays[f"image{suffix}"] = rng.normal(0, 1, (40, 6, 5, 2))
        arrays[f"meta{suffix}"] = rng.normal(0, 80, (40, 4))
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def test_keras_inputs_are_calibrated_each(
    keras: Any, save: Callable[..., Path], tmp_path: Path
) -> None:
    model = _keras_model(keras)
    path, data = save(model), _samples(tmp_path, "_train", "_test")
    graph = read_keras(path)
    assert graph.named_inputs == {"image": (6, 5, 2), "meta": (4,)}
    prepared = prepare(Preparation(path, data), Silent())
    scales = [part.quantization.scale for part in prepared.graph.sources if part.quantization]
    assert 10 < scales[1] / scales[0] < 1000
    assert prepared.dataset is not None
    x = prepared.dataset.x_test
    assert x.shape == (40, 64)
    inputs = quantize_inputs(prepared.graph, x)
    found = verify(prepared.graph, prepared.tflite, inputs, [simulator(prepared.graph)])
    assert found.equal, str(found.differences)
    archive = np.load(data)
    real = model.predict([archive["image_test"], archive["meta_test"]], verbose=0)
    again = model.predict([x[:, :60].reshape(-1, 6, 5, 2), x[:, 60:]], verbose=0)
    assert np.allclose(real, again, atol=1e-4)


def test_header_names_place_and_scale_of_each(keras: Any, save: Callable[..., Path]) -> None:
    path = save(_keras_model(keras))
    prepared = prepare(Preparation(path, _samples(path.parent, "")), Silent())
    header = emit_library(plan(lower(prepared.graph)), prefix="m", model_hash="0")["m.h"]
    assert "#define M_INPUT_SIZE 64\n" in header
    assert "#define M_INPUT_COUNT 2\n" in header
    assert "/* Input 1, meta: 4, at input[OFFSET]. */" in header
    assert "#define M_INPUT_1_OFFSET 60\n" in header
    assert "int8_t m_quantize_input_1(float real)" in header


_IMAGES = np.linspace(0, 1, 180).reshape(3, 6, 5, 2)


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"image_train": np.ones((3, 6, 5, 2))}, "lacks arrays of the model's 2 inputs"),
        (
            {"image_train": _IMAGES, "image_test": _IMAGES, "meta_test": np.ones((3, 4))},
            "holds the array 'image_train', but not 'meta_train'. Expected an array of each input",
        ),
        (
            {"meta_test": np.ones((3, 4)), "image": _IMAGES, "meta": np.ones((3, 4))},
            "holds the array 'meta_test', but not 'image_test'",
        ),
        ({"image": np.ones((3, 6, 5, 2)), "meta": np.ones((4, 4))}, "image 3, meta 4"),
        ({"image": np.ones((3, 6, 5)), "meta": np.ones((3, 4))}, "Array 'image' has the shape"),
    ],
)
def test_refused_data(arrays: dict[str, Any], text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=text):
        load_data(path, (64,), named={"image": (6, 5, 2), "meta": (4,)})


def test_an_array_of_something_else_with_the_name_of_an_input(tmp_path: Path) -> None:
    path, meta = tmp_path / "x.npz", np.ones((3, 4))
    np.savez(path, image_train=_IMAGES, meta_train=meta, meta=np.array(["a", "b", "c", "d"]))
    assert load_data(path, (64,), named={"image": (6, 5, 2), "meta": (4,)}).x.shape == (3, 64)


def test_names_of_inputs_that_continue_each_other(tmp_path: Path) -> None:
    path, shapes = tmp_path / "x.npz", {"a": (3,), "a_test": (2,)}
    a, b = np.arange(9.0).reshape(3, 3), np.arange(6.0).reshape(3, 2)
    np.savez(path, a=a, a_test=b)
    found = load_data(path, (5,), named=shapes)
    np.testing.assert_array_equal(found.x, np.concatenate([a, b], axis=1))
