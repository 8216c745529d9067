"""Files of early opsets, of onnxruntime's operators alone, and with nodes in any order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from onnx_runs import assert_same, model, operators, weights

from tinycomp.common.errors import ModelError
from tinycomp.frontend.onnx import read_onnx
from tinycomp.ir.tensor import Array
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference import oracle

node = helper.make_node


def _early(constant: Array, **attributes: int) -> Any:
    """A sum whose shorter tensor is repeated if an attribute says so."""
    info = helper.make_tensor_value_info
    nodes = [node("Add", ["x", "b"], ["a"], **attributes), node("Relu", ["a"], ["y"])]
    whole = model(nodes, (1, 6, 4), {"b": constant}, opset=6)
    whole.graph.input.append(info("b", onnx.TensorProto.FLOAT, constant.shape))
    del whole.graph.output[:]
    whole.graph.output.append(info("y", onnx.TensorProto.FLOAT, (1, 6, 4)))
    whole.ir_version = 3
    return whole


def test_an_early_opset_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(_early(weights(4), broadcast=1), path)
    graph = read_onnx(path)
    assert "Operators of opset 6 were converted to 11." in graph.notes
    x = np.random.default_rng(0).uniform(-1, 1, (2, 6, 4)).astype(np.float32)
    (found,) = oracle.run_float(write_tflite(clean_up(graph)), x).values()
    np.testing.assert_allclose(found, np.maximum(x + weights(4), 0), rtol=1e-6)


def test_an_early_sum_along_an_axis_is_refused(tmp_path: Path) -> None:
    onnx.save(_early(weights(6), broadcast=1, axis=1), tmp_path / "model.onnx")
    with pytest.raises(ModelError, match=r"'a' \(Add\) names the axis of its shorter tensor"):
        read_onnx(tmp_path / "model.onnx")


def test_nodes_in_any_order(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["h", "w"], ["y"]),
        node("Relu", ["s"], ["h"]),
        node("Slice", ["x", "from", "to", "axes"], ["s"]),
        *(node("Constant", [], [name], value=numpy_helper.from_array(np.array([value])))
          for name, value in (("from", 2), ("to", 8), ("axes", 1))),
    ]  # fmt: skip
    path = tmp_path / "model.onnx"
    onnx.save(model(nodes, (1, 8), {"w": weights(6, 3)}), path)
    graph = read_onnx(path)
    ordered = onnx.load(path)
    rest = [*ordered.graph.node]
    del ordered.graph.node[:]
    ordered.graph.node.extend([*rest[3:], *rest[2::-1]])
    onnx.save(ordered, tmp_path / "ordered.onnx")
    assert_same(tmp_path / "ordered.onnx")
    names = [each.op.name for each in read_onnx(tmp_path / "ordered.onnx").nodes]
    assert [each.op.name for each in graph.nodes] == names


def test_operators_of_onnxruntime_alone(tmp_path: Path) -> None:
    """The file has no opset of ONNX's own."""
    whole = model([node("Gelu", ["x"], ["y"], domain="com.microsoft")], (1, 50))
    del whole.opset_import[:]
    whole.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    path = tmp_path / "model.onnx"
    onnx.save(whole, path)
    assert onnxruntime.InferenceSession(str(path)).get_inputs()
    assert operators(assert_same(path)) == ["gelu"]
