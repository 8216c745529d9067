"""Embeddings in ONNX files: a Gather of rows by whole numbers at the input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from onnx_runs import weights

from tinycomp.common.errors import ModelError
from tinycomp.frontend.onnx import read_onnx
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference import oracle

NODE = helper.make_node
INT64, FLOAT = onnx.TensorProto.INT64, onnx.TensorProto.FLOAT


def save(nodes: list[Any], kind: int, folder: Path) -> Path:
    info, table = helper.make_tensor_value_info, weights(9, 4)
    graph = helper.make_graph(
        nodes,
        "test",
        [info("x", kind, (1, 6))],
        [info("y", FLOAT, None)],
        [numpy_helper.from_array(table, "table")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "m.onnx")
    return folder / "m.onnx"


LOOK_UP = [NODE("Gather", ["table", "x"], ["rows"], axis=0)]
MEAN = [NODE("ReduceMean", ["rows"], ["y"], axes=[1], keepdims=0)]


@pytest.mark.parametrize(
    ("nodes", "kind"),
    [
        ([*LOOK_UP, *MEAN], INT64),
        (
            [
                NODE("Cast", ["x"], ["whole"], to=INT64),
                NODE("Gather", ["table", "whole"], ["rows"]),
                *MEAN,
            ],
            FLOAT,
        ),
        (
            [
                NODE("Transpose", ["x"], ["turned"], perm=[1, 0]),
                NODE("Gather", ["table", "turned"], ["rows"]),
                NODE("ReduceMax", ["rows"], ["y"], axes=[0], keepdims=0),
            ],
            INT64,
        ),
        ([NODE("Cast", ["x"], ["real"], to=FLOAT), NODE("Relu", ["real"], ["y"])], INT64),
    ],
)
def test_rows_are_those_of_onnxruntime(nodes: list[Any], kind: int, tmp_path: Path) -> None:
    path = save(nodes, kind, tmp_path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).integers(0, 9, (1, 6))
    typed = x.astype(np.int64 if kind == INT64 else np.float32)
    (expected,) = session.run(None, {"x": typed})
    tflite = write_tflite(clean_up(read_onnx(path)))
    (found,) = oracle.run_float(tflite, x.astype(np.float32)).values()
    np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("nodes", "kind"),
    [
        ([NODE("Add", ["x", "x"], ["y"])], INT64),
        (
            [
                NODE("Cast", ["x"], ["cut"], to=INT64),
                NODE("Cast", ["cut"], ["real"], to=FLOAT),
                NODE("Relu", ["real"], ["y"]),
            ],
            FLOAT,
        ),
    ],
)
def test_arithmetic_on_whole_numbers_is_refused(
    nodes: list[Any], kind: int, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="The input 'x' holds whole numbers, and '"):
        read_onnx(save(nodes, kind, tmp_path))
