"""Hidden features: training brings them closer to the float model's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from float_graphs import run
from small_networks import network, task

from tinycomp.common.errors import ModelError, TinycompError
from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.train.loop import train
from tinycomp.train.losses import Supervision
from tinycomp.train.model import features_of, finish, trainable
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule
from tinycomp.train.teacher import teacher_features, teacher_outputs


def supervision(teacher: Graph) -> Supervision:
    x, y = task()
    found = Supervision.classes(teacher_outputs(teacher, x, "classes"), y)
    return found.with_features(teacher_features(teacher, x))


def distance(graph: Graph, wanted: Array) -> float:
    return float(np.mean((teacher_features(graph, task()[0]) - wanted) ** 2))


def test_outputs_are_followed_by_the_last_layer_s_inputs() -> None:
    graph, (x, _) = network(), task()
    model = trainable(graph, logits=True, features=True)
    outputs = model.predict(x, verbose=0)
    assert outputs.shape == (len(x), 3 + 8)
    np.testing.assert_allclose(outputs[:, :3], teacher_outputs(graph, x, "classes"), atol=1e-4)
    np.testing.assert_allclose(outputs[:, 3:], teacher_features(graph, x), atol=1e-4)
    np.testing.assert_array_equal(outputs[:, :3].argmax(1), run(graph, x).argmax(1))


def test_training_brings_hidden_features_closer() -> None:
    teacher, (x, _) = network(), task()
    wanted, found = teacher_features(teacher, x), []
    for weight in (0.0, 30.0):
        model = trainable(teacher, [Rate(1.5, every=2)], logits=True, features=True)
        schedule = Schedule(epochs=8, batch=16, features=weight)
        epochs = train(model, x, supervision(teacher), schedule, Silent())
        assert epochs[-1].validation is not None
        found.append(distance(finish(model), wanted))
    assert found[1] < 0.7 * found[0]


def test_agreement_is_that_of_the_outputs() -> None:
    graph, (x, y) = network(), task()
    wanted, rows = supervision(graph), np.arange(len(x))
    outputs = trainable(graph, logits=True, features=True).predict(x, verbose=0)
    right = np.mean(run(graph, x).argmax(1) == y)
    assert wanted.agreement(outputs, rows) == pytest.approx(right)


def test_models_without_hidden_features_are_refused() -> None:
    graph = network()
    bare = replace(graph, nodes=tuple(n for n in graph.nodes if n.op.weight_axis is None))
    with pytest.raises(ModelError, match="has no hidden features"):
        features_of(bare)
    with pytest.raises(TinycompError, match="features -1"):
        Schedule(features=-1)
