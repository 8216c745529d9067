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
from tinycomp.train.hidden import features_of
from tinycomp.train.loop import train
from tinycomp.train.losses import Supervision, balanced
from tinycomp.train.model import finish, trainable
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule
from tinycomp.train.teacher import teacher_features, teacher_outputs


def supervision(teacher: Graph, weight: float) -> list[Supervision]:
    x, y = task()
    (said,) = teacher_outputs(teacher, x, logits=True)
    features = Supervision.features(teacher_features(teacher, x), weight)
    return [Supervision.classes(said, y), features]


def distance(graph: Graph, wanted: Array) -> float:
    return float(np.mean((teacher_features(graph, task()[0]) - wanted) ** 2))


def test_hidden_features_are_another_output() -> None:
    graph, (x, _) = network(), task()
    model = trainable(graph, logits=True, features=0)
    outputs, features = model.predict(x, verbose=0)
    np.testing.assert_allclose(outputs, teacher_outputs(graph, x, logits=True)[0], atol=1e-4)
    np.testing.assert_allclose(features, teacher_features(graph, x), atol=1e-4)
    np.testing.assert_array_equal(outputs.argmax(1), run(graph, x).argmax(1))


def test_training_brings_hidden_features_closer() -> None:
    teacher, (x, _) = network(), task()
    wanted, found = teacher_features(teacher, x), []
    for weight in (0.0, 30.0):
        model = trainable(teacher, [Rate(1.5, every=2)], logits=True, features=0)
        schedule = Schedule(epochs=8, batch=16, features=weight)
        epochs = train(model, x, supervision(teacher, weight), schedule, Silent())
        assert epochs[-1].validation is not None
        found.append(distance(finish(model), wanted))
    assert found[1] < 0.7 * found[0]


def test_agreement_is_that_of_the_outputs() -> None:
    graph, (x, y) = network(), task()
    (wanted, _), rows = supervision(graph, 1.0), np.arange(len(x))
    outputs, _ = trainable(graph, logits=True, features=0).predict(x, verbose=0)
    right = np.mean(run(graph, x).argmax(1) == y)
    assert wanted.agreement(outputs, rows) == pytest.approx(right)


def test_agreement_of_values_is_the_share_of_their_variance() -> None:
    labels = np.random.default_rng(0).normal(0, 30, (50, 2)).astype(np.float32)
    targets, rows = Supervision.values(labels, labels), np.arange(10, 50)
    assert targets.agreement(labels[10:], rows) == 1
    middle = np.broadcast_to(labels[10:].mean(axis=0), (40, 2))
    assert targets.agreement(middle, rows) == pytest.approx(0, abs=1e-6)
    assert balanced(targets, 1.0).weight == pytest.approx(1 / 900, rel=0.3)


def test_samples_without_a_label_get_the_prediction_of_the_float_model() -> None:
    said = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32)
    classes = Supervision.classes(said, np.array([0, -1]))
    assert classes.parts(classes.rows)[1].tolist() == [[1, 0], [1, 0]]
    marks = Supervision.marks(said - 0.5, np.array([[0, -1], [-1, 1]]))
    assert marks.parts(marks.rows)[1].tolist() == [[0, 1], [1, 1]]
    values = Supervision.values(said, np.array([[3, np.nan], [np.nan, 4]]))
    np.testing.assert_allclose(values.parts(values.rows)[1], [[3, 0.9], [0.8, 4]], rtol=1e-6)


def test_models_without_hidden_features_are_refused() -> None:
    graph = network()
    bare = replace(graph, nodes=tuple(n for n in graph.nodes if n.op.weight_axis is None))
    with pytest.raises(ModelError, match="has no hidden features"):
        features_of(bare)
    with pytest.raises(TinycompError, match="features -1"):
        Schedule(features=-1)
