"""Loops over time in float .tflite files are read as recurrent layers, or refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from float_runs import assert_close, run
from loop_models import FEATURES, MODELS, STEPS
from tflite_edits import edited

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_expressions import Slot
from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.frontend._tflite_turns import Turn
from tinycomp.frontend.tflite import parse_tflite, read_tflite
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops._recurrent import Recurrent
from tinycomp.reference import oracle

SCRIPT = Path(__file__).with_name("loop_models.py")
LAYERS = [name for name in MODELS if name != "elu"]
INPUTS = np.random.default_rng(3).normal(0, 1, (3, STEPS, FEATURES)).astype(np.float32)


@pytest.fixture(scope="session")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all files, from a separate process, as the converter is noisy."""
    pytest.importorskip("tensorflow")
    found = tmp_path_factory.mktemp("loops")
    subprocess.run([sys.executable, SCRIPT, found], check=True, capture_output=True)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_loops_compute_what_litert_computes(name: str, loops: Path) -> None:
    path = loops / f"{name}.tflite"
    graph = read_tflite(path)
    expected = oracle.run_output(path.read_bytes(), INPUTS)
    assert_close(run(graph, INPUTS).reshape(expected.shape), expected)
    count = sum(isinstance(node.op, Recurrent) for node in graph.nodes)
    assert count == {"gru": 1, "gru_before": 1, "bidirectional_gru": 3, "relu": 3}.get(name, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_lists_of_rows_are_the_same(name: str, loops: Path) -> None:
    """LiteRT alone can't run these files."""
    whole, lists = (read_tflite(loops / f"{name}{end}.tflite") for end in ("", ".lists"))
    assert_close(run(lists, INPUTS), run(whole, INPUTS))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm.half", "one_step", "one_step.half"])
def test_weights_in_float16_and_one_step(name: str, loops: Path) -> None:
    path = loops / f"{name}.tflite"
    graph = read_tflite(path)
    inputs = INPUTS if name.startswith("lstm") else INPUTS[:, :1]
    expected = oracle.run_output(path.read_bytes(), inputs)
    assert_close(run(graph, inputs).reshape(expected.shape), expected)
    assert sum(isinstance(node.op, Recurrent) for node in graph.nodes) == 2


@pytest.mark.slow
def test_other_loops_are_refused(loops: Path) -> None:
    with pytest.raises(ModelError, match="is read if it is an LSTM, GRU or SimpleRNN"):
        read_tflite(loops / "elu.tflite")


def _open(model: Any) -> None:
    """The number of steps is left open, as 1, where lists become tensors and behind."""
    (graph,) = model.subgraphs[:1]
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].customCode == b"FlexTensorListStack":
            table = graph.tensors[int(operator.outputs[0])]
            table.shapeSignature = np.array([-1, *table.shape[1:]], np.int32)
            table.shape = np.array([1, *table.shape[1:]], np.int32)


@pytest.mark.slow
def test_a_number_of_steps_that_is_left_open(loops: Path) -> None:
    data = edited((loops / "lstm.lists.tflite").read_bytes(), lambda model, _: _open(model))
    whole = read_tflite(loops / "lstm.tflite")
    assert_close(run(parse_tflite(data, "open"), INPUTS), run(whole, INPUTS))


def _file(name: str, shape: Shape, values: Array | None = None, dtype: str = "float32") -> Any:
    return FileTensor(name, dtype, shape, shape, values)


def test_a_state_times_ones_of_its_own_shape_is_the_state() -> None:
    """Keras writes so where a layer has dropout."""
    tensors = (
        _file("state", (1, 3)), _file("size", (2,), dtype="int32"), _file("ones", (1, 3)),
        _file("kept", (1, 3)), _file("one", (), np.array(1, np.float32)),
    )  # fmt: skip
    operators = (
        FileOperator(0, "SHAPE", "", (0,), (1,)),
        FileOperator(1, "FILL", "", (1, 4), (2,)),
        FileOperator(2, "MUL", "", (0, 2), (3,)),
    )
    (found,) = Turn(TfliteFile("turn", tensors, operators, (0,), (3,))).outputs()
    assert isinstance(found.atom, Slot)
    assert found.atom.number == 0
    assert found.size == 3


def _limit(model: Any) -> None:
    """The condition ends the loop a step early."""
    for subgraph in model.subgraphs[1:]:
        for operator in subgraph.operators:
            code = model.operatorCodes[operator.opcodeIndex].builtinCode
            if code == schema.BuiltinOperator.LESS:
                buffer = model.buffers[subgraph.tensors[int(operator.inputs[1])].buffer]
                buffer.data = np.array([STEPS - 1], np.int32).view(np.uint8)


def _state(model: Any) -> None:
    """The state starts from ones."""
    loop = next(each for each in model.subgraphs[0].operators if each.builtinOptions is not None
                and type(each.builtinOptions).__name__ == "WhileOptionsT")  # fmt: skip
    table = model.subgraphs[0].tensors[int(loop.inputs[3])]
    buffer = schema.BufferT()
    buffer.data = np.ones(table.shape, np.float32).ravel().view(np.uint8)
    model.buffers.append(buffer)
    table.buffer = len(model.buffers) - 1


def _turned(model: Any) -> None:
    """The candidate is 1 + update, not 1 - update."""
    for subgraph in model.subgraphs[1:]:
        for operator in subgraph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            if code.builtinCode == schema.BuiltinOperator.SUB:
                operator.opcodeIndex = next(
                    index
                    for index, each in enumerate(model.operatorCodes)
                    if each.builtinCode == schema.BuiltinOperator.ADD
                )
                operator.builtinOptions = schema.AddOptionsT()
                operator.builtinOptionsType = schema.BuiltinOptions.AddOptions


@pytest.mark.slow
@pytest.mark.parametrize("change", [_limit, _state, _turned], ids=lambda each: each.__name__)
def test_what_differs_stays_a_loop(change: Any, loops: Path) -> None:
    data = edited((loops / "gru.tflite").read_bytes(), lambda model, _: change(model))
    with pytest.raises(ModelError, match="control flow"):
        parse_tflite(data, "gru")
