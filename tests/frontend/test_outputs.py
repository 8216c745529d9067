"""Models with several outputs: one row of bytes, equal to LiteRT's tensors one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from host import run_on_host
from tflite_edits import (
    CONVOLUTION,
    FLOAT32,
    INT8,
    UINT8,
    Edit,
    add_code,
    add_tensor,
    convert_input,
    convert_output,
    edited,
    operator,
)

from tinycomp.common.progress import Silent
from tinycomp.emit.library import emit_library
from tinycomp.frontend.keras import read_keras
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.passes.bundle_outputs import bundle_outputs, output_parts
from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower
from tinycomp.reducing import reduce
from tinycomp.reference import oracle
from tinycomp.reference.compare import simulator, verify


def _again(model: Any, subgraph: Any) -> None:
    """A second output: the rectified first."""
    first = int(subgraph.outputs[0])
    second = add_tensor(subgraph, "rectified", first, INT8)
    code = add_code(model, "RELU", 2)
    subgraph.operators.append(operator(code, [first], [second]))
    subgraph.outputs = np.array([first, second], np.int32)


def _both_ends(dtype: int, shift: int) -> Edit:
    """Conversions behind both outputs."""

    def edit(model: Any, subgraph: Any) -> None:
        cores, found = [int(index) for index in subgraph.outputs], []
        for core in cores:
            subgraph.outputs = np.array([core], np.int32)
            convert_output(dtype, shift)(model, subgraph)
            found.append(int(subgraph.outputs[0]))
        subgraph.outputs = np.array(found, np.int32)

    return edit


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param((_again,), id="int8"),
        pytest.param((_again, convert_input(FLOAT32), _both_ends(FLOAT32, 0)), id="float"),
        pytest.param((_again, _both_ends(UINT8, 128)), id="uint8"),
    ],
)
def test_bytes_of_all_outputs(edits: tuple[Edit, ...]) -> None:
    data, inputs = edited(CONVOLUTION, *edits), CONVOLUTION.inputs
    graph = reduce(parse_tflite(data, "model"), Silent())
    assert [part.name for part in output_parts(graph)] == ["conv_2d", "rectified"]
    found = verify(graph, data, inputs, [simulator(graph)])
    assert found.equal, str(found.differences)
    tensors = oracle.run(data, inputs)
    expected = [tensors[part.name].reshape(len(inputs), -1) for part in output_parts(graph)]
    row = run_on_host(graph, inputs)[graph.outputs[0]]
    assert np.array_equal(row, np.concatenate(expected, axis=1))


def test_header_names_place_and_scale_of_each() -> None:
    graph = bundle_outputs(parse_tflite(edited(CONVOLUTION, _again), "m"))
    size = CONVOLUTION.graph.tensors["conv_2d"].size
    header = emit_library(plan(lower(graph)), prefix="m", model_hash="0")["m.h"]
    assert f"#define M_OUTPUT_SIZE {2 * size}\n" in header
    assert "/* Output 1, rectified: at output[OFFSET]. */" in header
    assert f"#define M_OUTPUT_1_OFFSET {size}\n" in header
    assert f"#define M_OUTPUT_1_SIZE {size}\n" in header
    assert "float m_dequantize_output_1(int8_t quantized)" in header
    plain = emit_library(plan(lower(CONVOLUTION.graph)), prefix="m", model_hash="0")["m.h"]
    assert "OUTPUT_0" not in plain


def test_keras_outputs_in_their_order(keras: Any, save: Callable[..., Path]) -> None:
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3, activation="relu")(x)
    boxes = keras.layers.Conv2D(2, 1, name="boxes")(y)
    classes = keras.layers.Dense(5, name="classes")(keras.layers.GlobalMaxPooling2D()(y))
    graph = read_keras(save(keras.Model(x, [boxes, classes, y])))
    assert [graph.tensors[name].shape for name in graph.outputs] == [(6, 6, 2), (5,), (6, 6, 4)]
