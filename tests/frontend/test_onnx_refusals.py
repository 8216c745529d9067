"""Refusals of ONNX files name the nodes and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx_runs import model, weights

from tinycomp.common.errors import ModelError
from tinycomp.frontend.onnx import read_onnx
from tinycomp.ir.tensor import Shape

node = helper.make_node


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[..., str]:
    def read(content: Any) -> str:
        path = tmp_path / "model.onnx"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            onnx.save(content, path)
        with pytest.raises(ModelError) as error:
            read_onnx(path)
        return str(error.value).replace(str(tmp_path), "")

    return read


RELU = [node("Relu", ["x"], ["y"])]


@pytest.mark.parametrize("content", [b"", b"text", b"\x00" * 64])
def test_no_model(content: bytes, refusal: Callable[..., str]) -> None:
    assert "/model.onnx is no ONNX model, or damaged. Export or copy" in refusal(content)


def test_open_shapes(refusal: Callable[..., str]) -> None:
    text = refusal(model(RELU, ("batch", 3, "height", 8)))
    assert "The input 'x' of /model.onnx has the shape (batch, 3, height, 8)." in text
    assert "only the first one, the batch, may be open" in text


def test_a_batch(refusal: Callable[..., str]) -> None:
    assert "a batch of 4. Expected" in refusal(model(RELU, (4, 3, 8, 8))).replace(
        "A batch", "Expected a batch"
    )


@pytest.mark.parametrize(("shape", "noted"), [
    ((32, 16), True), ((32, 10, 8), True), ((1, 16), False), ((10, 1, 8), False), ((16,), False),
])  # fmt: skip
def test_what_may_be_a_batch_is_noted(shape: Shape, noted: bool, tmp_path: Path) -> None:
    onnx.save(model(RELU, shape), tmp_path / "model.onnx")
    notes = " ".join(read_onnx(tmp_path / "model.onnx").notes)
    text = f"has the shape {shape}: the library takes all {shape[0]} rows at once. If {shape[0]}"
    assert (text in notes) == noted


def test_a_single_number(refusal: Callable[..., str]) -> None:
    text = refusal(model(RELU, ()))
    assert "is a single number without axes. Expected an axis at least" in text


def test_whole_numbers(refusal: Callable[..., str]) -> None:
    whole = model([node("Gather", ["table", "x"], ["y"])], (1, 4), {"table": weights(9, 3)})
    whole.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT16
    assert "is of type uint16. Expected real numbers, bytes" in refusal(whole)


def test_an_old_opset_that_can_not_be_converted(refusal: Callable[..., str]) -> None:
    known = {"tiles": np.array(2.0, np.float32), "axis": np.array(1.0, np.float32)}
    text = refusal(model([node("Tile", ["x", *known], ["y"])], (1, 4), known, opset=1))
    assert "has operators of opset 1, and can't be converted" in text
    assert "Expected opset 7 or later. Export the model again with a later opset." in text


def test_operators_that_only_a_tool_knows(refusal: Callable[..., str]) -> None:
    text = refusal(model([node("RequantShift", ["x"], ["y"], name="q")], (1, 8)))
    assert "'q' (RequantShift) is not of ONNX's own operators, though the file says so." in text
    text = refusal(model([node("Quant", ["x"], ["y"], domain="qonnx.custom_op.general")], (1, 8)))
    assert "Export with brevitas.export.export_onnx_qcdq" in text


def test_nodes_that_read_each_other(refusal: Callable[..., str]) -> None:
    text = refusal(
        model([node("Add", ["x", "b"], ["a"]), node("Add", ["x", "a"], ["b"]),
               node("Relu", ["b"], ["y"])], (1, 8))
    )  # fmt: skip
    assert "The output 'y' of /model.onnx is not supported." in text


def test_a_product_with_no_matrix(refusal: Callable[..., str]) -> None:
    text = refusal(model([node("Gemm", ["x", "w"], ["y"])], (1, 8), {"w": weights(1, 8, 4)}))
    assert "'y' (Gemm) has weights of shape (1, 8, 4). Expected a matrix." in text


def test_everything_unsupported_at_once(refusal: Callable[..., str]) -> None:
    branch = helper.make_graph([node("Abs", ["h"], ["b"])], "branch", [], [
        helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, None)
    ])  # fmt: skip
    text = refusal(
        model(
            [
                node("Relu", ["x"], ["h"]),
                node("Det", ["h"], ["d"], name="first"),
                node("Fused", ["d"], ["f"], name="fused", domain="com.microsoft"),
                node("Det", ["f"], ["e"], name="second"),
                node("If", ["c"], ["g"], name="choice", then_branch=branch, else_branch=branch),
                node("SVMRegressor", ["e"], ["y"], name="vectors", domain="ai.onnx.ml"),
                node("Add", ["y", "g"], ["z"]),
            ],
            (1, 8),
            {"c": np.array(True)},
            ("z",),
        )
    )
    assert "'model.onnx' can't be built for 4 reasons" in text
    assert "'first' (Det), 'second' (Det) are not supported." in text
    assert "'fused' (com.microsoft.Fused) is of the operator set 'com.microsoft'" in text
    assert "'choice' (If) is control flow, which is not supported." in text
    assert "'vectors' (ai.onnx.ml.SVMRegressor) is of ONNX-ML" in text


def test_missing_external_data(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    whole = model([node("MatMul", ["x", "w"], ["y"])], (1, 64), {"w": weights(64, 64)})
    onnx.save(whole, path, save_as_external_data=True, location="model.data", size_threshold=16)
    assert read_onnx(path).nodes
    (tmp_path / "model.data").unlink()
    with pytest.raises(ModelError, match=r"keeps 1 of its constants in 'model.data', which is"):
        read_onnx(path)


def test_options_of_a_node(refusal: Callable[..., str]) -> None:
    text = refusal(
        model(
            [
                node("AveragePool", ["x"], ["p"], name="p", kernel_shape=[2, 2], dilations=[2, 2]),
                node("MaxPool", ["x"], ["y"], name="m", kernel_shape=[9, 9]),
            ],
            (1, 2, 8, 8),
            opset=19,
            outputs=("p", "y"),
        )
    )
    assert "'p' (AveragePool) has dilations [2, 2]. Expected a pooling without gaps." in text
    assert "'m' (MaxPool) has a window of (9, 9) cells over an input of (8, 8)" in text


def test_weights_that_the_model_computes(refusal: Callable[..., str]) -> None:
    text = refusal(
        model(
            [node("Mul", ["x", "x"], ["w"]), node("Conv", ["x", "w"], ["y"], name="c")],
            (1, 2, 3, 3),
        )
    )
    assert "'c' (Conv) has weights that the model computes. Expected constant values." in text


def test_a_constant_output(refusal: Callable[..., str]) -> None:
    whole = model([node("Shape", ["x"], ["y"]), *RELU[:0]], (1, 8))
    assert "The output 'y' of /model.onnx does not depend on the input." in refusal(whole)


def test_a_constant_output_beside_others(tmp_path: Path) -> None:
    """As policies of reinforcement learning return their spread."""
    nodes = [node("Exp", ["c"], ["s"]), node("Relu", ["x"], ["y"])]
    path = tmp_path / "model.onnx"
    onnx.save(model(nodes, (1, 8), {"c": np.zeros((1, 3), np.float32)}, ("s", "y")), path)
    graph = read_onnx(path)
    assert graph.outputs == ("y",)
    assert [graph.label(name) for name in graph.outputs] == ["y"]
    (note,) = graph.notes
    assert note.startswith("The output 's' (1, 3) is constant, and was left out of the library")


def test_sparse_constants(refusal: Callable[..., str]) -> None:
    whole = model(RELU, (1, 8))
    values = numpy_helper.from_array(np.ones(1, np.float32), "s")
    places = numpy_helper.from_array(np.zeros(1, np.int64), "i")
    whole.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [8]))
    assert "has sparse constants: 's'. Export dense weights." in refusal(whole)


def test_no_onnx_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModelError, match=r"pip install 'tinycomp\[onnx\]'"):
        read_onnx(tmp_path / "model.onnx")
