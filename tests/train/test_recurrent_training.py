"""Recurrent layers train like others; an LSTM takes no int8 steps of each output channel."""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.common.errors import ModelError
from tinycomp.frontend.keras import import_keras
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops.gru import Gru
from tinycomp.ops.lstm import Lstm
from tinycomp.ops.simple_rnn import SimpleRnn
from tinycomp.quantize.calibration import observe
from tinycomp.quantize.post_training import quantize
from tinycomp.train.constraint import Constraint
from tinycomp.train.int8 import Int8
from tinycomp.train.model import finish, trainable

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


@pytest.mark.parametrize(
    ("op", "constraints"), [(Lstm(), ()), (Gru(), (Int8(),)), (SimpleRnn(), (Int8(),))], ids=str
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
        real = int8.constants["weights"].values * np.array(known.scales)[:, np.newaxis]
        np.testing.assert_allclose(real, trained.constants["weights"].values, atol=1e-5)


def test_int8_steps_of_an_lstm_are_refused_before_the_training() -> None:
    with pytest.raises(ModelError) as caught:
        trainable(_graph(Lstm()), [Int8()])
    assert "'y' (lstm) has one scale for several channels. Train without int8 steps" in str(
        caught.value
    )
