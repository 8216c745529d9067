"""Recurrent layers train like others; the units of a gate of an LSTM share their int8 steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinycomp.common.errors import ModelError
from tinycomp.frontend.keras import import_keras
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import QuantizationParameters, Tensor, dequantize_values
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops.gru import Gru
from tinycomp.ops.lstm import Lstm
from tinycomp.ops.simple_rnn import SimpleRnn
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.calibration import observe
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate
from tinycomp.train.constraint import Constraint
from tinycomp.train.int8 import Int8
from tinycomp.train.model import finish, trainable
from tinycomp.train.prune import Prune
from tinycomp.train.rate import Rate
from tinycomp.train.share import Share

SHAPE, UNITS = (5, 3), 4


def _graph(op: Recurrent) -> Graph:
    rng = np.random.default_rng(0)
    builder = GraphBuilder("layer")
    constants = {
        "weights": rng.normal(0, 0.5, (op.gates * UNITS, SHAPE[1] + UNITS)),
        "biases": rng.normal(0, 0.1, op.biases(UNITS)),
    }
    inputs = [builder.input("x", SHAPE)]
    inputs += [builder.constant(n, v.astype(np.float32)) for n, v in constants.items()]
    return builder.build([builder.add(op, inputs, "y")])


@pytest.mark.parametrize("op", [Gru(), Lstm(), SimpleRnn()], ids=str)
def test_layers_with_a_mask_can_be_trained(op: Recurrent) -> None:
    """What is trained computes what LiteRT computes of the exported graph."""
    plain = _graph(op)
    mask = Tensor("mask", (SHAPE[0], 1), "float32")
    node = replace(plain.nodes[0], inputs=(*plain.nodes[0].inputs, "mask"))
    tensors = {**plain.tensors, "mask": mask}
    graph = replace(plain, nodes=(node,), tensors=tensors, inputs=("x", "mask"))
    rng = np.random.default_rng(2)
    x = rng.normal(0, 1, (4, *SHAPE)).astype(np.float32)
    counts = (rng.random((4, SHAPE[0], 1)) < 0.6).astype(np.float32)
    found = np.asarray(trainable(graph).predict([x, counts], verbose=0))
    joined = np.concatenate([x.reshape(4, -1), counts.reshape(4, -1)], axis=1)
    wanted = next(iter(oracle.run_float(write_tflite(graph), joined).values()))
    np.testing.assert_allclose(found, wanted.reshape(found.shape), atol=1e-5)


@pytest.mark.parametrize(
    ("op", "constraints"),
    [
        (Lstm(), ()),
        (Lstm(), (Int8(),)),
        (Gru(), (Int8(),)),
        (SimpleRnn(), (Int8(),)),
        pytest.param(
            Lstm(), (Prune(0.4, pattern="2:4"), Int8(4)), marks=pytest.mark.slow, id="lstm-pruned"
        ),
        pytest.param(Lstm(), (Rate(per_channel=True),), marks=pytest.mark.slow, id="lstm-rate"),
        pytest.param(Lstm(), (Share(3),), marks=pytest.mark.slow, id="lstm-share"),
    ],
    ids=str,
)
def test_trains_and_is_quantized_as_it_was_trained(
    op: Recurrent, constraints: tuple[Constraint, ...]
) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (32, *SHAPE)).astype(np.float32)
    graph = _graph(op)
    model = trainable(graph, constraints, x)
    model.compile(import_keras().optimizers.Adam(0.02), "mse")
    losses = model.fit(x, rng.normal(0, 0.5, (32, SHAPE[0], UNITS)), epochs=8, verbose=0).history
    assert losses["loss"][-1] < losses["loss"][0]
    trained = finish(model)
    assert not np.array_equal(
        trained.constants["weights"].values, graph.constants["weights"].values
    )
    int8 = quantize(trained, observe(trained, x).ranges("min-max"))
    known = int8.constants["weights"].quantization
    assert known is not None
    if constraints:
        real = int8.constants["weights"].values * np.reshape(known.scales, (-1, 1))
        np.testing.assert_allclose(real, trained.constants["weights"].values, atol=1e-5)
    inputs = quantize_inputs(int8, x)
    expected, found = oracle.run(write_tflite(int8), inputs), simulate(int8, inputs)
    for name, values in found.items():
        assert np.array_equal(values, expected[name].reshape(values.shape)), name


def test_each_gate_of_an_lstm_has_its_largest_weight_on_the_last_step() -> None:
    graph = _graph(Lstm())
    trained = finish(trainable(graph, [Int8()])).constants["weights"]
    assert trained.grid is not None
    gates = np.abs(graph.constants["weights"].values).reshape(Lstm.gates, -1).max(axis=1)
    np.testing.assert_allclose(trained.grid.scales, np.repeat(gates / 127, UNITS), rtol=1e-5)
    moved = np.abs(trained.values - graph.constants["weights"].values).max(axis=1)
    assert (moved <= 0.501 * np.array(trained.grid.scales)).all()


def test_an_lstm_takes_no_steps_of_each_channel() -> None:
    graph = _graph(Lstm())
    rows = Lstm.gates * UNITS
    scales = tuple(np.linspace(0.01, 0.02, rows))
    steps = np.random.default_rng(0).integers(-127, 128, (rows, SHAPE[1] + UNITS))
    weights = replace(
        graph.constants["weights"],
        values=(steps * np.array(scales)[:, np.newaxis]).astype(np.float32),
        grid=QuantizationParameters(scales, (0,) * rows, 0),
    )
    graph = replace(graph, constants={**graph.constants, "weights": weights})
    x = np.random.default_rng(1).normal(0, 1, (8, *SHAPE)).astype(np.float32)
    with pytest.raises(ModelError) as caught:
        quantize(graph, observe(graph, x).ranges("min-max"))
    assert "'y' (lstm) has one scale for several channels. Set their grid to None" in str(
        caught.value
    )


@pytest.mark.parametrize("op", [Lstm(), Gru(), Gru(reset_after=False), SimpleRnn()], ids=str)
def test_states_in_training_are_those_of_the_int8_model(op: Recurrent) -> None:
    x = np.random.default_rng(1).normal(0, 1, (256, *SHAPE)).astype(np.float32)
    model = trainable(_graph(op), (Int8(),), x)
    said = model.predict(x, verbose=0)
    trained, rounding = finish(model), model.tinycomp.rounding
    int8 = quantize(trained, {}, rounding)  # no calibration: training fixed all scales
    states = simulate(int8, quantize_inputs(int8, x))["y"].reshape(said.shape)
    known = int8.tensors["y"].quantization
    assert known is not None
    steps = np.rint(np.abs(said - dequantize_values(states, known)) / known.scale)
    assert (steps == 0).mean() > 0.97  # float sums next to the middle of two steps
    assert steps.max() <= 4
