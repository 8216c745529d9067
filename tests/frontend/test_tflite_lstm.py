"""UNIDIRECTIONAL_SEQUENCE_LSTM in files: time before batch, float, and forms that are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conformance import cases_of
from tflite_edits import add_code, add_tensor, edited

from tinycomp.common.errors import ModelError
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ops.lstm import Lstm
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

Edit = Callable[[Any, Any], None]
CASE = cases_of("lstm")[1]


def replace_input(operator: Any, place: int, index: int) -> None:
    operator.inputs = np.array(operator.inputs)
    operator.inputs[place] = index


def with_input(*places: int) -> Edit:
    """Weights of the input gate in other places too."""

    def edit(model: Any, subgraph: Any) -> None:
        operator = subgraph.operators[0]
        for place in places:
            replace_input(operator, place, operator.inputs[1])

    return edit


def without_input(*places: int) -> Edit:
    def edit(model: Any, subgraph: Any) -> None:
        operator = subgraph.operators[0]
        for place in places:
            replace_input(operator, place, -1)

    return edit


def of_tensor(place: int, change: Callable[[Any], None]) -> Edit:
    """A change of one of the operator's inputs."""

    def edit(model: Any, subgraph: Any) -> None:
        operator = subgraph.operators[0]
        change(subgraph.tensors[operator.inputs[place]])

    return edit


def scaled(scale: float) -> Callable[[Any], None]:
    def change(tensor: Any) -> None:
        tensor.quantization.scale = np.array([scale], np.float32)

    return change


def option(name: str, value: Any) -> Edit:
    def edit(model: Any, subgraph: Any) -> None:
        operator = subgraph.operators[0]
        setattr(operator.builtinOptions, name, value)

    return edit


REFUSED: dict[str, tuple[Edit, str]] = {
    "peepholes": (with_input(9, 10, 11), "It has peephole connections. Expected an LSTM without."),
    "projection": (with_input(16), "It has a projection. Expected an LSTM without."),
    "layer normalization": (
        with_input(20, 21), "It has layer normalization. Expected an LSTM without."
    ),
    "coupled gates": (without_input(1, 5, 12), "It couples the input gate with the forget gate."),
    "no weights": (without_input(3), "It lacks weights or a bias."),
    "activation": (
        option("fusedActivationFunction", 1), "Its activation has the number 1. Expected TANH."
    ),
    "cell scale": (
        of_tensor(19, scaled(0.001)),
        "is int16 with the scale 0.001. Expected a variable of int16",
    ),
    "coarse cell": (of_tensor(19, scaled(2.0**-8)), "has the scale 2^-8. Expected 2^-15 to 2^-9"),
    "state": (of_tensor(18, scaled(0.5)), "'lstm/state' is int8 with the scales (0.5,)"),
    "time": (
        option("timeMajor", True),
        "It reads 'input' of shape (1, 5, 3). Expected (steps, 1, features).",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str) -> None:
    edit, message = REFUSED[name]
    with pytest.raises(ModelError) as caught:
        parse_tflite(edited(CASE, edit), "lstm")
    assert message in str(caught.value)


def time_first(model: Any, subgraph: Any) -> None:
    """The LSTM reads (steps, 1, features), which a RESHAPE makes of the input, and returns such."""
    lstm = subgraph.operators[0]
    source, steps = int(lstm.inputs[0]), subgraph.tensors[lstm.inputs[0]].shape[1]
    lstm.builtinOptions.timeMajor = True
    rows = add_tensor(subgraph, "rows", source, schema.TensorType.INT8)
    for index in (rows, int(lstm.outputs[0])):
        subgraph.tensors[index].shape = np.array(
            [steps, 1, subgraph.tensors[index].shape[-1]], np.int32
        )
    replace_input(lstm, 0, rows)
    reshape = schema.OperatorT()
    reshape.opcodeIndex = add_code(model, "RESHAPE")
    reshape.inputs, reshape.outputs = [source], [rows]
    reshape.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    reshape.builtinOptions = schema.ReshapeOptionsT()
    reshape.builtinOptions.newShape = [int(steps), 1, -1]
    subgraph.operators.insert(0, reshape)


def test_time_before_batch() -> None:
    data = edited(CASE, time_first)
    graph = parse_tflite(data, "lstm")
    assert any(isinstance(node.op, Lstm) for node in graph.nodes)
    assert np.array_equal(
        simulate(graph, CASE.inputs)[graph.outputs[0]].ravel(),
        oracle.run_output(data, CASE.inputs).ravel(),
    )


def test_every_inference_starts_anew() -> None:
    once = oracle.run(write_tflite(CASE.graph), CASE.inputs[:1])["lstm"]
    twice = oracle.run(write_tflite(CASE.graph), CASE.inputs[[1, 0]])["lstm"]
    assert np.array_equal(once[0], twice[1])
