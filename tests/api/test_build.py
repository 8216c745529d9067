"""tinycomp.build and its relatives, on small models."""

from __future__ import annotations

import gc
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import small_classifier

import tinycomp
from tinycomp.device import firmware_build
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import run_fast
from tinycomp.target.boards import load_board

needs_gcc = pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
_ABSENT = firmware_build.missing(load_board("cortex-m4"))
needs_m4 = pytest.mark.skipif(_ABSENT is not None, reason=f"no emulated cortex-m4: {_ABSENT}")

GRAPH = small_classifier()
TFLITE = write_tflite(GRAPH)
SHAPE = GRAPH.sample_shape


def samples(count: int = 12) -> np.ndarray:
    """Real inputs over the range of the input."""
    quantization = GRAPH.tensors["input"].quantization
    assert quantization is not None
    steps = np.random.default_rng(5).integers(-128, 128, (count, *SHAPE)) - quantization.zero_point
    return np.float32(quantization.scale) * steps.astype(np.float32)


X, Y = samples(), np.arange(12) % 5


@pytest.fixture(scope="module")
def built() -> tinycomp.Build:
    return tinycomp.build(TFLITE, (X, Y), verify=False, bench=False)


def test_a_build_without_a_folder_has_one_for_as_long_as_it_lives() -> None:
    build = tinycomp.build(TFLITE, verify=False, bench=False)
    folder = build.folder
    assert folder.is_dir()
    assert build.files["model.tflite"].read_bytes() == TFLITE
    assert {"report.json", "library/model.c", "library/model.h"} <= build.files.keys()
    del build
    gc.collect()
    assert not folder.parent.exists()


def test_save_copies_all_files_and_the_copy_is_a_build(
    built: tinycomp.Build, tmp_path: Path
) -> None:
    target = built.save(tmp_path / "out" / "deep")
    copy = tinycomp.Build(target)
    assert copy.report == built.report
    assert copy.files.keys() == built.files.keys()
    for name, path in built.files.items():
        assert copy.files[name].read_bytes() == path.read_bytes()
    with pytest.raises(tinycomp.TinycompError, match="exists"):
        built.save(target)
    built.save(target, force=True)
    assert copy.save(target) == target  # onto itself


def test_a_build_in_a_folder_stays_there(tmp_path: Path) -> None:
    build = tinycomp.build(
        TFLITE, output=tmp_path / "out", name="digits", verify=False, bench=False
    )
    assert build.folder == tmp_path / "out"
    assert build.report.model.name == "digits"
    del build
    gc.collect()
    assert (tmp_path / "out" / "library" / "digits.c").is_file()
    with pytest.raises(tinycomp.TinycompError, match="exists"):
        tinycomp.build(TFLITE, output=tmp_path / "out")


def test_the_report_has_labels_and_accuracy(built: tinycomp.Build) -> None:
    assert built.report.accuracy is not None
    assert built.report.accuracy.samples == len(X)
    assert "<Build of model for host in '" in repr(built)


def test_simulate_is_what_litert_computes(built: tinycomp.Build) -> None:
    graph = parse_tflite(TFLITE, "model")
    raw = quantize_inputs(graph, X)
    expected = run_fast(TFLITE, raw)
    found = built.simulate(raw)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, expected)
    real = built.simulate(X)
    assert isinstance(real, np.ndarray)
    assert real.dtype == np.float32
    output = graph.tensors[graph.outputs[0]].quantization
    assert output is not None
    np.testing.assert_array_equal(
        real, (expected.astype(np.int32) - output.zero_point) * np.float32(output.scale)
    )
    np.testing.assert_array_equal(built.simulate(X.reshape(12, -1)), real)  # a row of values each


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X[0], r"has the shape \(6, 5, 3\). Expected \(samples, 6, 5, 3\)"),
        (X[:, :5], r"has the shape \(12, 5, 5, 3\)"),
        (X.astype(np.int16), "of type int16. Expected real values, or int8"),
        ({"left": X}, "for the inputs left. Expected an array for each of input"),
        (np.full((2, *SHAPE), "a"), "Expected real numbers"),
    ],
)
def test_samples_that_do_not_fit_are_refused(x: Any, message: str, built: tinycomp.Build) -> None:
    with pytest.raises(tinycomp.TinycompError, match=message):
        built.simulate(x)


def test_notebooks_show_the_report(built: tinycomp.Build) -> None:
    page = built._repr_html_()
    assert page.startswith("<iframe ")
    assert page.count("<") == 2  # the page inside is an attribute
    assert "&lt;title&gt;" in page
    assert "model" in page


def test_notes_are_warnings_of_the_logger(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "tinycomp"):
        build = tinycomp.build(TFLITE, X, verify=False, bench=False)
    notes = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert "data.npz has no test half: 'x' calibrates and evaluates." in notes
    assert tuple(notes) == build.report.notes
    assert any(each.levelno == logging.INFO for each in caplog.records)


def test_errors_name_no_temporary_folder() -> None:
    with pytest.raises(tinycomp.TinycompError) as caught:
        tinycomp.build(TFLITE, np.zeros((3, 2, 2)))
    assert str(caught.value).startswith("'data.npz': Array 'x' has the shape (3, 2, 2)")
    assert caught.value.what in str(caught.value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (7, "The model is of type int"),
        (b"nothing", "7 bytes are of no known kind of model"),
        ("none.tflite", "There is no model file 'none.tflite'"),
    ],
)
def test_what_is_no_model_is_refused(model: Any, message: str) -> None:
    with pytest.raises(tinycomp.TinycompError, match=message):
        tinycomp.build(model)


@pytest.mark.parametrize("given", ["path", "text", "build"])
def test_models_on_disk(given: str, tmp_path: Path, built: tinycomp.Build) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(TFLITE)
    model: Any = {"path": path, "text": str(path), "build": built}[given]
    assert tinycomp.quantize(model) == TFLITE


def test_quantize_writes_a_file_on_request(tmp_path: Path) -> None:
    found = tinycomp.quantize(TFLITE, X, codebook_bits=3, output=tmp_path / "small.tflite")
    assert found == (tmp_path / "small.tflite").read_bytes() != TFLITE
    with pytest.raises(tinycomp.TinycompError, match="exists"):
        tinycomp.quantize(TFLITE, output=tmp_path / "small.tflite")


def test_inspect_takes_models_of_any_kind(built: tinycomp.Build) -> None:
    found = tinycomp.inspect(TFLITE, board="uno")
    assert found.macs == built.report.model.macs
    assert found.needs is not None
    shown = repr(found).splitlines()
    assert shown[0] == "Layers"
    assert any(line.strip().startswith("flash, estimated") for line in shown)
    assert max(map(len, shown)) <= 100


@needs_gcc
def test_verify_takes_builds_and_folders(built: tinycomp.Build, tmp_path: Path) -> None:
    for build in (built, built.save(tmp_path / "out"), str(tmp_path / "out")):
        found = tinycomp.verify(build, data=X, samples=3)
        assert found.equal


@needs_m4
def test_bench_measures(built: tinycomp.Build) -> None:
    report = tinycomp.bench(built, board="cortex-m4")
    assert report.board == "cortex-m4"
    assert report.latency is not None


def test_a_model_of_onnx(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    weights = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "three values",
        [helper.make_tensor_value_info("x", 1, [1, 4])],
        [helper.make_tensor_value_info("y", 1, [1, 3])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    x = np.random.default_rng(0).normal(0, 1, (50, 4)).astype(np.float32)
    build = tinycomp.build(model, x, verify=False, bench=False)
    assert build.report.model.name == "three_values"
    np.testing.assert_allclose(build.simulate(x), x @ weights, atol=0.15)
    assert tinycomp.inspect(model.SerializeToString()).macs == 12


def test_several_inputs_and_outputs_by_name() -> None:
    import keras

    left, right = keras.Input((4,), name="left"), keras.Input((2,), name="right")
    joined = keras.layers.Concatenate()([left, right])
    outputs = [keras.layers.Dense(3, name="three")(joined), keras.layers.Dense(1, name="one")(left)]
    model = keras.Model([left, right], outputs, name="pair")
    rng = np.random.default_rng(0)
    x = {"left": rng.normal(0, 1, (40, 4)), "right": rng.normal(0, 1, (40, 2))}
    build = tinycomp.build(model, x, verify=False, bench=False)
    assert build.report.model.name == "pair"
    found = build.simulate(x)
    assert isinstance(found, dict)
    listed = build.simulate([*x.values()])
    assert isinstance(listed, dict)
    for name, values in found.items():
        np.testing.assert_array_equal(listed[name], values)
    expected = [np.asarray(values) for values in model([x["left"], x["right"]])]
    for values, wanted in zip(found.values(), expected, strict=True):
        assert values.shape == wanted.shape
        np.testing.assert_allclose(values, wanted, atol=0.1)
    with pytest.raises(tinycomp.TinycompError, match="Expected an array for each of left, right"):
        build.simulate(x["left"])
