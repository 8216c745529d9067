"""Keras's layers over time compute the same when read, and the same bytes as LiteRT in int8."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.proof.estimate import needs
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.calibration import observe
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.types import BYTES, Precision
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate
from tinycomp.target.boards import load_board

SHAPE = (9, 5)
OPERATORS = {"GRU": "gru", "LSTM": "lstm", "SimpleRNN": "simple_rnn"}
LAYERS = tuple(OPERATORS)
MODELS: dict[str, Callable[[Any, Any], list[Any]]] = {
    "last state": lambda k, layer: [layer(7)],
    "all states, stacked": lambda k, layer: [layer(7, return_sequences=True), layer(4)],
    "without bias": lambda k, layer: [layer(7, use_bias=False), k.Dense(3, activation="softmax")],
    "backwards": lambda k, layer: [layer(3, go_backwards=True, return_sequences=True)],
    "both ways": lambda k, layer: [k.Bidirectional(layer(3)), k.Dense(2)],
    "both ways, all states": lambda k, layer: [
        k.Bidirectional(layer(3, return_sequences=True)),
        k.TimeDistributed(k.Dense(2, activation="relu")),
    ],
    "both ways, added": lambda k, layer: [
        k.Bidirectional(layer(3, return_sequences=True), merge_mode="sum")
    ],
    "another layer backwards": lambda k, layer: [
        k.Bidirectional(layer(3), backward_layer=layer(3, go_backwards=True), merge_mode="mul")
    ],
    "relu": lambda k, layer: [layer(7, activation="relu"), k.Dense(2)],
    "softsign, stacked": lambda k, layer: [
        layer(5, activation="softsign", return_sequences=True),
        k.Bidirectional(layer(3, activation="elu")),
    ],
    "one step": lambda k, layer: [k.Reshape((1, 45)), layer(3)],
}


@pytest.fixture(params=[(layer, name) for layer in LAYERS for name in MODELS], ids=str)
def graph(request: pytest.FixtureRequest, keras: Any, assert_same: Callable[..., Graph]) -> Graph:
    """The float graph, which equals Keras's model."""
    layer, name = request.param
    layers = MODELS[name](keras.layers, getattr(keras.layers, layer))
    return assert_same(keras.Sequential([keras.Input(SHAPE), *layers]))


def test_a_gru_with_the_reset_before_the_product(
    keras: Any, assert_same: Callable[..., Graph]
) -> None:
    layers = [keras.layers.GRU(4, reset_after=False), keras.layers.Dense(2)]
    assert_same(keras.Sequential([keras.Input(SHAPE), *layers]))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("sequences", [True, False])
def test_the_last_state(
    layer: str, sequences: bool, keras: Any, assert_same: Callable[..., Graph]
) -> None:
    x, k = keras.Input(SHAPE), keras.layers
    made = getattr(k, layer)(4, return_sequences=sequences, return_state=True)
    states, last, *_ = made(x)
    joined = k.Attention()([k.Reshape((1, 4))(last), states]) if sequences else states + last
    assert_same(keras.Model(x, k.Dense(2)(k.Flatten()(joined))))


def test_a_cell_state_of_many_steps(keras: Any, assert_same: Callable[..., Graph]) -> None:
    """It is one operator."""
    x = keras.Input((33, 5))
    _, last, cell = keras.layers.LSTM(4, return_state=True, name="x")(x)
    graph = assert_same(keras.Model(x, last + cell))
    assert len(graph.nodes) < 5


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("mode", ["concat", "ave", None])
def test_states_of_both_ways(
    layer: str, mode: str | None, keras: Any, assert_same: Callable[..., Graph]
) -> None:
    """They are returned, and those of another layer are where both ways start."""
    x, k = keras.Input(SHAPE), keras.layers

    def made(**options: Any) -> Any:
        return k.Bidirectional(getattr(k, layer)(4, **options), merge_mode=mode)

    (*outputs,) = made(return_sequences=True, return_state=True)(x)
    count = 2 if mode is None else 1
    after = made(return_sequences=True)(x, initial_state=outputs[count:])
    found = after if mode is None else [after]
    flat = [k.Flatten()(each) for each in (*found, *outputs)]
    assert_same(keras.Model(x, k.Dense(2)(k.Concatenate()(flat))))


def test_a_layer_that_starts_from_a_dense_one(
    keras: Any, assert_same: Callable[..., Graph]
) -> None:
    x, k = keras.Input(SHAPE), keras.layers
    first = k.Dense(4)(k.Flatten()(x))
    assert_same(keras.Model(x, k.GRU(4, return_sequences=True)(x, initial_state=first)))


TIME_DISTRIBUTED: dict[str, tuple[tuple[int, ...], Callable[[Any], list[Any]]]] = {
    "images": (
        (18, 6, 2),
        lambda k: [
            k.Reshape((3, 6, 6, 2)),
            k.TimeDistributed(k.Conv2D(3, 3, strides=2)),
            k.TimeDistributed(k.GlobalAveragePooling2D()),
            k.GRU(4),
        ],
    ),
    "a model": (
        (3, 6, 6, 2),
        lambda k: [
            k.TimeDistributed(
                _model((6, 6, 2), k.Conv2D(3, 3), k.BatchNormalization(), k.Flatten())
            ),
            k.LSTM(4),
        ],
    ),
}


def _model(shape: tuple[int, ...], *layers: Any) -> Any:
    import keras

    return keras.Sequential([keras.Input(shape), *layers])


ALL_STEPS: dict[str, tuple[tuple[int, ...], Callable[[Any], list[Any]]]] = {
    "CNN before an LSTM": (
        (40, 8, 2),
        lambda k: [
            k.TimeDistributed(k.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="relu")),
            k.TimeDistributed(k.MaxPooling1D(2)),
            k.TimeDistributed(k.Flatten()),
            k.LSTM(5),
        ],
    ),
    "a model": (
        (40, 8, 2),
        lambda k: [
            k.TimeDistributed(
                _model(
                    (8, 2),
                    k.Rescaling(2.0),
                    k.SeparableConv1D(4, 3, strides=2),
                    k.Dropout(0.5),
                    k.GlobalMaxPooling1D(),
                    k.Dense(3, activation="tanh"),
                )
            ),
            k.GRU(5),
        ],
    ),
    "means": (
        (3, 8, 2),
        lambda k: [
            k.TimeDistributed(k.DepthwiseConv1D(3, depth_multiplier=2)),
            k.TimeDistributed(k.AveragePooling1D(2, padding="same")),
            k.TimeDistributed(k.GlobalAveragePooling1D(keepdims=True)),
        ],
    ),
}


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
@pytest.mark.parametrize("case", ALL_STEPS)
def test_one_layer_for_all_steps(
    case: str, file: str, keras: Any, assert_same: Callable[..., Graph]
) -> None:
    shape, layers = ALL_STEPS[case]
    graph = assert_same(keras.Sequential([keras.Input(shape), *layers(keras.layers)]), file)
    weights = [node.inputs[1] for node in graph.nodes if len(node.inputs) > 1]
    assert len(weights) == len({*weights})


def test_rows_read_both_ways_and_averaged(keras: Any, assert_same: Callable[..., Graph]) -> None:
    layer = keras.layers.Bidirectional(keras.layers.GRU(3), merge_mode="ave")
    assert_same(keras.Sequential([keras.Input(SHAPE), layer]))


def test_rows_read_both_ways_and_kept_apart(keras: Any, assert_same: Callable[..., Graph]) -> None:
    x, k = keras.Input(SHAPE), keras.layers
    there, back = k.Bidirectional(k.GRU(4, return_sequences=True), merge_mode=None)(x)
    assert_same(keras.Model(x, k.Subtract()([there, k.Dense(4)(back)])))


CONV_LSTMS: dict[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = {
    "images": ((4, 7, 6, 2), lambda k: k.ConvLSTM2D(3, (3, 2), strides=(2, 1))),
    "all states": (
        (3, 5, 5, 2),
        lambda k: k.ConvLSTM2D(2, 3, padding="same", return_sequences=True, use_bias=False),
    ),
    "backwards": (
        (3, 5, 5, 1),
        lambda k: k.ConvLSTM2D(
            2, 2, dilation_rate=2, activation="relu", recurrent_activation="hard_sigmoid",
            go_backwards=True, return_sequences=True,
        ),
    ),
    "signals": ((4, 9, 2), lambda k: k.ConvLSTM1D(3, 3, strides=2)),
    "signals, all states": (
        (4, 9, 2), lambda k: k.ConvLSTM1D(3, 3, padding="same", return_sequences=True),
    ),
    "one step": ((1, 9, 2), lambda k: k.ConvLSTM1D(3, 3, return_sequences=True)),
}  # fmt: skip


@pytest.mark.parametrize("case", CONV_LSTMS)
def test_convolutions_over_time(case: str, keras: Any, assert_same: Callable[..., Graph]) -> None:
    """Its weights are stored once."""
    shape, layer = CONV_LSTMS[case]
    model = keras.Sequential([keras.Input(shape), layer(keras.layers), keras.layers.Flatten()])
    graph = assert_same(model)
    constants = [name for name in graph.constants if name.endswith("kernel")]
    assert len(constants) == min(2, shape[0])


@pytest.mark.parametrize("case", TIME_DISTRIBUTED)
def test_a_layer_at_every_step(case: str, keras: Any, assert_same: Callable[..., Graph]) -> None:
    """Its weights are stored once."""
    shape, layers = TIME_DISTRIBUTED[case]
    graph = assert_same(keras.Sequential([keras.Input(shape), *layers(keras.layers)]))
    convolutions = [node for node in graph.nodes if node.op.name == "conv_2d"]
    assert len(convolutions) == 3
    assert len({node.inputs[1] for node in convolutions}) == 1


@pytest.mark.parametrize("layer", ["GRU", "LSTM"])
@pytest.mark.parametrize("gate", ["hard_sigmoid", "sparse_sigmoid"])
def test_other_gates(layer: str, gate: str, keras: Any, assert_same: Callable[..., Graph]) -> None:
    made = getattr(keras.layers, layer)(4, recurrent_activation=gate, return_sequences=True)
    graph = assert_same(keras.Sequential([keras.Input(SHAPE), made]))
    x = np.random.default_rng(0).normal(0, 1, (30, *SHAPE)).astype(np.float32)
    compare_with_litert(graph, x)


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_cell_in_a_layer_for_any(
    layer: str, file: str, keras: Any, assert_same: Callable[..., Graph]
) -> None:
    """RNN(LSTMCell(4)) is LSTM(4): its options and weights lie in another place of the file."""
    k = keras.layers
    cell = getattr(k, f"{layer}Cell")
    rows = k.RNN(cell(4, activation="relu"), return_sequences=True, go_backwards=True)
    graph = assert_same(
        keras.Sequential([keras.Input(SHAPE), rows, k.RNN(cell(3)), k.Dense(2)]), file
    )
    kinds = [node.op.name.removesuffix("_steps") for node in graph.nodes if node.op.hidden]
    assert kinds == 2 * [OPERATORS[layer]]


@pytest.mark.parametrize("layer", LAYERS)
def test_16_bits_leave_other_activations_on_bytes(
    layer: str, keras: Any, assert_same: Callable[..., Graph]
) -> None:
    made = getattr(keras.layers, layer)(4, activation="relu")
    graph = assert_same(keras.Sequential([keras.Input(SHAPE), made, keras.layers.Dense(2)]))
    x = np.random.default_rng(0).normal(0, 1, (30, *SHAPE)).astype(np.float32)
    wide = compare_with_litert(graph, x, Precision(16))
    assert {wide.tensors[name].dtype for name in wide.outputs} == {"int16"}
    (states,) = (node.outputs[0] for node in wide.nodes if node.op.hidden)
    assert wide.tensors[states].dtype == "int8"


@pytest.mark.parametrize("layer", LAYERS)
def test_inspect_needs_no_data(layer: str, keras: Any, assert_same: Callable[..., Graph]) -> None:
    """Though an operator over time has scales that calibration would tell."""
    both = keras.layers.Bidirectional(getattr(keras.layers, layer)(3))
    found = needs(assert_same(keras.Sequential([keras.Input(SHAPE), both])), load_board("host"))
    assert found.constants > 0


def test_int8_equals_litert_and_is_near_the_float_model(graph: Graph) -> None:
    x = np.random.default_rng(0).normal(0, 1, (30, *SHAPE)).astype(np.float32)
    compare_with_litert(graph, x)


def compare_with_litert(graph: Graph, x: Array, precision: Precision = BYTES) -> Graph:
    """The integer graph: the simulator equals LiteRT, and the float model within 3 % on average."""
    int8 = quantize(graph, observe(graph, x).ranges("min-max"), precision=precision)
    inputs = quantize_inputs(int8, x)
    expected = oracle.run(write_tflite(int8), inputs)
    found = simulate(int8, inputs)
    for name, values in found.items():
        assert np.array_equal(values, expected[name].reshape(values.shape)), name
    output = int8.tensors[int8.outputs[0]].quantization
    assert output is not None
    real = (found[int8.outputs[0]] - float(output.zero_point)) * output.scale
    wanted = oracle.run_float(write_tflite(graph), x)[graph.outputs[0]]
    spread = float(wanted.max() - wanted.min())
    assert np.abs(real - wanted.reshape(real.shape)).mean() < 0.03 * spread
    return int8
