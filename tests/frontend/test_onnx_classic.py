"""Files as skl2onnx writes them: scalers, linear models, labels beside the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from float_runs import assert_close
from onnx import helper
from onnx_runs import model, operators, session_of, weights

from tinycomp.common.errors import ModelError
from tinycomp.common.progress import Silent
from tinycomp.frontend.onnx import read_onnx
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.options.build import Preparation
from tinycomp.prepare import prepare
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference import oracle

node = helper.make_node
ML = "ai.onnx.ml"


def saved(
    path: Path, nodes: Sequence[Any], constants: Mapping[str, Array], outputs: Sequence[str],
    features: int = 6,
) -> Path:  # fmt: skip
    """A file whose outputs have the types that follow from its nodes."""
    whole = model(nodes, ("N", features), constants, outputs)
    whole.opset_import.append(helper.make_opsetid(ML, 1))
    del whole.graph.output[:]
    whole.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in outputs)
    onnx.save(whole, path)
    return path


def assert_scores(path: Path, output: str, features: int = 6) -> Graph:
    """Compare the only output that is left with that one of onnxruntime."""
    session = session_of(path)
    x = np.random.default_rng(1).uniform(-2, 2, (5, features)).astype(np.float32)
    (wanted,) = session.run([output], {"x": x})
    if isinstance(wanted, list):
        wanted = np.array([list(each.values()) for each in wanted])
    graph = read_onnx(path)
    (found,) = oracle.run_float(write_tflite(clean_up(graph)), x).values()
    assert_close(found, wanted)
    return graph


def perceptron(labels: Mapping[str, Any]) -> tuple[list[Any], dict[str, Array]]:
    """A pipeline of a scaler and a perceptron; its result is s."""
    nodes = [
        node("Scaler", ["x"], ["z"], domain=ML, offset=[0.5] * 6, scale=[2.0, 1, 3, 1, 2, 1]),
        node("Cast", ["z"], ["c"], to=onnx.TensorProto.FLOAT),
        node("MatMul", ["c", "w"], ["m"]), node("Add", ["m", "b"], ["a"]),
        node("Softmax", ["a"], ["s"]), node("ArgMax", ["s"], ["i"], axis=1),
        node("ArrayFeatureExtractor", ["classes", "i"], ["e"], domain=ML),
        node("Reshape", ["e", "flat"], ["r"]), node("Identity", ["r"], ["output_label"]),
        node("ZipMap", ["s"], ["output_probability"], domain=ML, **labels),
    ]  # fmt: skip
    classes = np.array(next(iter(labels.values())))
    return nodes, {"w": weights(6, 3), "b": weights(1, 3, seed=1),
                   "classes": classes.astype(object) if classes.dtype.kind == "U" else classes,
                   "flat": np.array([-1])}  # fmt: skip


def test_labels_are_left_out_and_name_the_classes(tmp_path: Path) -> None:
    nodes, constants = perceptron({"classlabels_strings": ["cat", "dog", "eel"]})
    outputs = ["output_label", "output_probability"]
    path = saved(tmp_path / "model.onnx", nodes, constants, outputs)
    graph = assert_scores(path, "output_probability")
    assert operators(graph) == ["fully_connected", "softmax"]
    assert graph.class_names == ("cat", "dog", "eel")
    (note,) = graph.notes
    assert note.startswith("The output 'output_label' is left out: it is the label of the class")


def test_names_reach_the_library_unless_the_data_has_others(tmp_path: Path) -> None:
    nodes, constants = perceptron({"classlabels_int64s": [3, 5, 9]})
    outputs = ["output_label", "output_probability"]
    path = saved(tmp_path / "model.onnx", nodes, constants, outputs)
    x = np.random.default_rng(1).uniform(-2, 2, (20, 6)).astype(np.float32)
    data = tmp_path / "data.npz"
    np.savez(data, x=x)
    assert prepare(Preparation(path, data), Silent()).graph.class_names == ("3", "5", "9")
    np.savez(data, x=x, class_names=np.array(["a", "b", "c"]))
    assert prepare(Preparation(path, data), Silent()).graph.class_names == ("a", "b", "c")


def test_classes_that_count_from_0_need_no_names(tmp_path: Path) -> None:
    nodes, constants = perceptron({"classlabels_int64s": [0, 1, 2]})
    path = saved(tmp_path / "model.onnx", nodes, constants, ["output_label", "s"])
    assert assert_scores(path, "s").class_names == ()


def linear(kind: str, rows: int, **attributes: Any) -> Any:
    values = weights(rows, 6, seed=4)
    outputs = ["label", "scores"] if kind == "LinearClassifier" else ["scores"]
    return node(
        kind, ["x"], outputs, domain=ML, name="linear", coefficients=values.ravel().tolist(),
        intercepts=weights(rows, seed=5).tolist(), **attributes,
    )  # fmt: skip


@pytest.mark.parametrize("curve", ["NONE", "SOFTMAX", "LOGISTIC"])
def test_a_linear_classifier(curve: str, tmp_path: Path) -> None:
    whole = linear("LinearClassifier", 3, classlabels_ints=[0, 1, 2], post_transform=curve)
    path = saved(tmp_path / "model.onnx", [whole], {}, ["label", "scores"])
    names = operators(assert_scores(path, "scores"))
    assert names == [
        "fully_connected",
        *{"SOFTMAX": ["softmax"], "LOGISTIC": ["logistic"]}.get(curve, []),
    ]


def test_shares_are_not_normalized_again(tmp_path: Path) -> None:
    nodes = [
        linear("LinearClassifier", 3, classlabels_ints=[0, 1, 2], post_transform="SOFTMAX"),
        node("Normalizer", ["scores"], ["shares"], domain=ML, norm="L1"),
    ]
    path = saved(tmp_path / "model.onnx", nodes, {}, ["label", "shares"])
    assert operators(assert_scores(path, "shares")) == ["fully_connected", "softmax"]


@pytest.mark.parametrize("targets", [1, 2])
def test_a_linear_regressor(targets: int, tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", [linear("LinearRegressor", targets, targets=targets)], {},
                 ["scores"])  # fmt: skip
    assert operators(assert_scores(path, "scores")) == ["fully_connected"]


def test_lengths_are_normalized(tmp_path: Path) -> None:
    nodes = [node("Normalizer", ["x"], ["n"], domain=ML, norm="L2"),
             node("MatMul", ["n", "w"], ["y"])]  # fmt: skip
    path = saved(tmp_path / "m.onnx", nodes, {"w": weights(6, 2)}, ["y"])
    assert operators(assert_scores(path, "y")) == ["l2_normalization", "fully_connected"]


def test_features_are_picked_and_joined(tmp_path: Path) -> None:
    nodes = [
        node("ArrayFeatureExtractor", ["x", "two"], ["a"], domain=ML),
        node("ArrayFeatureExtractor", ["x", "one"], ["b"], domain=ML),
        node("FeatureVectorizer", ["a", "b"], ["j"], domain=ML, inputdimensions=[2, 1]),
        node("MatMul", ["j", "w"], ["y"]),
    ]
    constants = {"two": np.array([[4, 1]]), "one": np.array([[2]]), "w": weights(3, 2)}
    path = saved(tmp_path / "m.onnx", nodes, constants, ["y"])
    assert_scores(path, "y")


@pytest.mark.parametrize(
    ("whole", "output"),
    [
        (linear("LinearRegressor", 1, targets=1, post_transform="PROBIT"), "scores"),
        (linear("LinearClassifier", 1, classlabels_ints=[0, 1], post_transform="LOGISTIC"),
         "scores"),
        (linear("LinearClassifier", 3, classlabels_ints=[0, 1, 2]), "label"),
        (node("Normalizer", ["x"], ["scores"], domain=ML, norm="MAX"), "scores"),
    ],
)  # fmt: skip
def test_other_models_are_refused(whole: Any, output: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", [whole], {}, [output])
    with pytest.raises(ModelError, match=r"is of ONNX-ML|is not supported"):
        read_onnx(path)
