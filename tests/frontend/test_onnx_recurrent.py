"""Recurrent operators of ONNX, as PyTorch exports them, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_runs import assert_same, model, weights

from tinycomp.common.errors import ModelError
from tinycomp.frontend.onnx import read_onnx
from tinycomp.ops._registry import by_keras_name

node = helper.make_node
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
LAYERS = {"LSTM": "LSTM", "GRU": "GRU", "RNN": "SimpleRNN"}


def constants(kind: str, ways: int, units: int = 5, features: int = 3) -> dict[str, np.ndarray]:
    rows = GATES[kind] * units
    return {
        "w": weights(ways, rows, features), "r": weights(ways, rows, units, seed=1) * 0.5,
        "b": weights(ways, 2 * rows, seed=2), "zero": np.zeros((ways, 1, units), np.float32),
    }  # fmt: skip


def save(folder: Path, nodes: list[object], shape: tuple[int, ...], values: object) -> Path:
    onnx.save(model(nodes, shape, values), folder / "model.onnx")  # type: ignore[arg-type]
    return folder / "model.onnx"


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("output", ["all", "last", "both"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [("LSTM", {}), ("GRU", {"linear_before_reset": 1}), ("GRU", {}), ("RNN", {})],
)
def test_states_are_those_of_onnxruntime(
    kind: str, options: dict[str, int], output: str, direction: str, tmp_path: Path
) -> None:
    ways = 2 if direction == "bidirectional" else 1
    names = {"all": ["h", ""], "last": ["", "l"], "both": ["h", "l"]}[output]
    layer = node(kind, ["t", "w", "r", "b", "", "zero"], names, name="cells", hidden_size=5,
                 direction=direction, **options)  # fmt: skip
    nodes = [node("Transpose", ["x"], ["t"], perm=[1, 0, 2]), layer]
    if "h" in names:
        nodes += [node("Transpose", ["h"], ["s"], perm=[2, 0, 1, 3]),
                  node("Reshape", ["s", "rows"], ["y"])]  # fmt: skip
    if output == "last":
        nodes.append(node("Reshape", ["l", "rows"], ["y"]))
    values = {**constants(kind, ways), "rows": np.array([1, -1])}
    path = save(tmp_path, nodes, (1, 6, 3), values)
    if output == "both":
        whole = onnx.load(path)
        whole.graph.node.append(node("Reshape", ["l", "rows"], ["z"]))
        whole.graph.output.append(helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, None))
        onnx.save(whole, path)
    if LAYERS[kind] not in by_keras_name():
        with pytest.raises(ModelError, match=r"'cells' .* is not supported. Use LSTM"):
            read_onnx(path)
        return
    assert_same(path)


@pytest.mark.parametrize("activation", ["Relu", "Softsign"])
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_another_activation(activation: str, direction: str, tmp_path: Path) -> None:
    ways = 2 if direction == "bidirectional" else 1
    layer = node("RNN", ["x", "w", "r", "b"], ["", "y"], hidden_size=5, direction=direction,
                 activations=[activation] * ways)  # fmt: skip
    assert_same(save(tmp_path, [layer], (6, 1, 3), constants("RNN", ways)))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"clip": 1.0}, "has clip=1.0"),
        ({"activations": ["Sigmoid", "Relu", "Tanh"]}, "has the activations ['Sigmoid', 'Relu'"),
    ],
)
def test_options(options: dict[str, object], text: str, tmp_path: Path) -> None:
    layer = node("LSTM", ["x", "w", "r", "b"], ["", "y"], hidden_size=5, **options)
    path = save(tmp_path, [layer], (6, 1, 3), constants("LSTM", 1))
    with pytest.raises(ModelError) as error:
        read_onnx(path)
    assert text in str(error.value)


def test_a_state_that_is_not_zero(tmp_path: Path) -> None:
    layer = node("LSTM", ["x", "w", "r", "b", "", "one"], ["", "y"], hidden_size=5)
    values = {**constants("LSTM", 1), "one": np.ones((1, 1, 5), np.float32)}
    with pytest.raises(ModelError, match="starts from a constant state that is not zero"):
        read_onnx(save(tmp_path, [layer], (6, 1, 3), values))


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(
    ("kind", "options"), [("LSTM", {}), ("GRU", {"linear_before_reset": 1}), ("RNN", {})]
)
def test_an_encoder_and_a_decoder(
    kind: str, options: dict[str, int], direction: str, tmp_path: Path
) -> None:
    """The second layer starts from the last states of the first, cell states included."""
    ways, lstm = 2 if direction == "bidirectional" else 1, kind == "LSTM"
    options = {**options, "direction": direction, "hidden_size": 5}  # type: ignore[dict-item]
    states, cells = ["h"], ["c"] if lstm else []
    nodes = [
        node(kind, ["x", "w", "r", "b"], ["s", *states, *cells], **options),
        node(kind, ["x", "w", "r", "b", "", *states, *cells], ["y", "", *["z"] * lstm], **options),
    ]
    path = save(tmp_path, nodes, (6, 1, 3), constants(kind, ways))
    if lstm:
        whole = onnx.load(path)
        whole.graph.output.append(helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, None))
        onnx.save(whole, path)
    assert_same(path)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("kind", [*LAYERS])
def test_steps_that_do_not_count(kind: str, direction: str, tmp_path: Path) -> None:
    ways = 2 if direction == "bidirectional" else 1
    layer = node(kind, ["x", "w", "r", "b", "lengths"], ["y", "z"], hidden_size=5,
                 direction=direction)  # fmt: skip
    values = {**constants(kind, ways), "lengths": np.array([4], np.int32)}
    path = save(tmp_path, [layer], (6, 1, 3), values)
    whole = onnx.load(path)
    whole.graph.output.append(helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, None))
    onnx.save(whole, path)
    assert_same(path)


def test_more_steps_than_there_are(tmp_path: Path) -> None:
    layer = node("GRU", ["x", "w", "r", "b", "lengths"], ["y"], hidden_size=5)
    values = {**constants("GRU", 1), "lengths": np.array([7], np.int32)}
    with pytest.raises(ModelError, match=r"reads \[7\] steps of 6\. Expected 1 to 6 steps"):
        read_onnx(save(tmp_path, [layer], (6, 1, 3), values))
