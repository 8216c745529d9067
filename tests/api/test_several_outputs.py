"""Models with several outputs: names, scores, the report, and compression."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tinycomp
from tinycomp.ir.graph import Graph, GraphBuilder, named_ends
from tinycomp.ir.tensor import Array
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.softmax import Softmax
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import run_outputs
from tinycomp.report.comparison import changes
from tinycomp.report.html import html
from tinycomp.report.terminal import summary_rows

RNG = np.random.default_rng(4)
X = RNG.normal(size=(160, 6)).astype(np.float32)
W = {name: RNG.normal(size=(size, 6)) for name, size in (("kind", 3), ("age", 2))}
KIND = (X @ W["kind"].T + RNG.normal(size=(160, 3))).argmax(axis=1)
AGE = X @ W["age"].T + 0.1 * RNG.normal(size=(160, 2))


def network() -> Graph:
    """Classes and two real numbers, from 6 inputs."""
    builder = GraphBuilder("two")
    x = builder.input("input", (6,))
    ends = []
    for name, weights in W.items():
        kernel = builder.constant(f"{name}/kernel", weights.astype(np.float32))
        bias = builder.constant(f"{name}/bias", np.zeros(len(weights), np.float32))
        ends.append(builder.add(FullyConnected(), [x, kernel, bias], f"{name}/dense"))
    ends[0] = builder.add(Softmax(), [ends[0]], "kind/softmax")
    return named_ends(builder.build(ends), ["kind", "age"])


def scores(outputs: list[Array]) -> tuple[float, float]:
    """Top-1 and mean squared error."""
    kind, age = outputs
    return float((kind.argmax(axis=1) == KIND).mean()), float(((age - AGE) ** 2).mean())


@pytest.fixture(scope="module")
def built() -> tinycomp.Build:
    data = (X, {"kind": KIND, "age": AGE})
    return tinycomp.build(write_tflite(network()), data, name="two", verify=False, bench=False)


def test_every_output_is_scored_as_litert_computes_it(built: tinycomp.Build) -> None:
    first, second = built.report.accuracies
    assert (first.output, first.metric) == ("kind", "top-1")
    assert (second.output, second.metric) == ("age", "mean squared error")
    found = built.simulate(X)
    assert isinstance(found, dict)
    assert list(found) == ["kind", "age"]
    raw = built.simulate(_quantized(built))
    expected = run_outputs(built.files["model.tflite"].read_bytes(), _quantized(built))
    for ours, theirs in zip(raw.values(), expected.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (first.int8, second.int8) == pytest.approx(scores(list(found.values())))
    logits, ages = (X @ W[name].T.astype(np.float32) for name in W)
    assert (first.float, second.float) == pytest.approx(scores([logits, ages]), rel=1e-4)
    assert second.int8 != second.float


def _quantized(built: tinycomp.Build) -> Array:
    graph = built._graph
    parameters = graph.sources[0].quantization
    assert parameters is not None
    steps = np.round(X / np.float32(parameters.scale)) + parameters.zero_point
    return np.clip(steps, -128, 127).astype(np.int8)


def test_the_report_shows_each_output_and_says_which_counts(built: tinycomp.Build) -> None:
    lines = [v for what, v in summary_rows(built.report) if what in ("Accuracy", "Error")]
    assert "output kind, which counts; float" in lines[0]
    assert "output age; float" in lines[1]
    (also,) = (value for what, value in summary_rows(built.report) if what == "Also")
    assert re.fullmatch(r"ROC AUC of kind [\d.]+; mean absolute error of age .*", also)
    page = html(built.report)
    assert "<h2>Accuracy of kind</h2>" in page
    assert "<h2>Accuracy of age</h2>" in page
    assert any("look at 'kind'" in note for note in built.report.notes)


def test_two_builds_are_compared_output_by_output(built: tinycomp.Build) -> None:
    found = {change.what: change for change in changes(built.report, built.report)}
    assert found["accuracy, kind, top-1"].growth == 0
    assert found["accuracy, age, mean squared error"].growth == 0


def test_the_header_has_the_names(built: tinycomp.Build) -> None:
    text = built.files["library/two.h"].read_text()
    assert "Output 0, kind:" in text
    assert "Output 1, age:" in text


def test_the_accuracy_that_compression_keeps_is_that_of_the_output_that_counts(
    tmp_path: Path,
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[[steps]]\ntechnique = "post_training"\ncodebook_bits = 3\n')
    model, data = write_tflite(network()), (X, {"kind": KIND, "age": AGE})
    found = tinycomp.compress(model, data, recipe=recipe, min_accuracy=0.4)
    assert [[each.output for each in pair if each] for pair in found.scores] == [
        ["kind", "kind"],
        ["age", "age"],
    ]
    assert found.steps[-1].metric == "top-1"
    with pytest.raises(tinycomp.TinycompError, match="were not reached"):
        tinycomp.compress(model, data, recipe=recipe, min_accuracy=0.999)
    alone = (X, {"age": AGE})
    with pytest.raises(tinycomp.TinycompError, match="the task of this model is regression"):
        tinycomp.compress(model, alone, recipe=recipe, min_accuracy=0.4)


def test_labels_in_a_tuple_are_those_of_the_outputs_in_order(built: tinycomp.Build) -> None:
    again = tinycomp.build(
        write_tflite(network()), (X, (KIND, AGE)), name="two", verify=False, bench=False
    )
    assert again.report.accuracies == built.report.accuracies
    three = (X, (KIND, AGE, KIND))
    more = tinycomp.build(write_tflite(network()), three, name="two", verify=False, bench=False)
    assert "The model has 2 outputs: the labels in 'y2' are not used." in more.report.notes
