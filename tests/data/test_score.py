"""Scores of every task compared with scikit-learn, for float and int8 models."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from sklearn import metrics as sklearn

from tinycomp.data.score import MOST_PARTS, Score, score
from tinycomp.data.targets import Targets, find_targets
from tinycomp.data.task import Ending, ModelShape
from tinycomp.ir.tensor import Array, Shape
from tinycomp.options.data import Task

N = 50
X = np.random.default_rng(0).normal(size=(N, 4))


def scored(
    outputs: Array,
    y: Array | None,
    ending: Ending = "other",
    task: Task | None = None,
    x: Array = X,
) -> Score:
    model = ModelShape(x.shape[1:], outputs.shape[1:], ending)
    found = score(model, find_targets(model, x, y, task=task), outputs)
    assert found is not None
    return found


def test_classification() -> None:
    rng = np.random.default_rng(1)
    classes = rng.integers(0, 3, N)
    logits = rng.normal(size=(N, 3)) + np.eye(3)[classes]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = scored(logits, classes)
    assert (found.metric, found.samples) == ("top-1", N)
    assert found.value == pytest.approx(sklearn.accuracy_score(classes, logits.argmax(axis=1)))
    area = sklearn.roc_auc_score(classes, shares, multi_class="ovr")
    assert found.others == {"ROC AUC": pytest.approx(area)}
    expected = sklearn.confusion_matrix(classes, logits.argmax(axis=1))
    np.testing.assert_array_equal(found.confusion, expected)
    assert scored(shares, np.eye(3)[classes], "softmax") == Score(
        "top-1", N, found.value, {"ROC AUC": pytest.approx(area)}, (), found.confusion
    )


def test_two_classes_of_two_outputs() -> None:
    rng = np.random.default_rng(2)
    classes = rng.integers(0, 2, N)
    logits = rng.normal(size=(N, 2))
    area = sklearn.roc_auc_score(classes, logits[:, 1] - logits[:, 0])
    assert scored(logits, classes).others == {"ROC AUC": pytest.approx(area)}


def test_a_class_for_each_position() -> None:
    rng = np.random.default_rng(3)
    places = rng.integers(0, 3, (N, 2, 5))
    outputs = rng.normal(size=(N, 2, 5, 3))
    found = scored(outputs, places)
    assert found.samples == N
    assert found.value == pytest.approx(np.mean(outputs.argmax(axis=-1) == places))


@pytest.mark.parametrize(("ending", "threshold"), [("other", 0.0), ("sigmoid", 0.5)])
def test_one_output_is_compared_with_a_threshold(ending: Ending, threshold: float) -> None:
    rng = np.random.default_rng(4)
    classes = rng.integers(0, 2, N)
    outputs = (rng.normal(size=(N, 1)) + threshold).round(1)
    outputs[0] = threshold
    yes = outputs[:, 0] >= threshold
    found = scored(outputs, classes, ending)
    assert found.metric == "accuracy"
    assert found.value == pytest.approx(sklearn.accuracy_score(classes, yes))
    area = sklearn.roc_auc_score(classes, outputs[:, 0])
    assert found.others == {"ROC AUC": pytest.approx(area)}
    np.testing.assert_array_equal(found.confusion, sklearn.confusion_matrix(classes, yes))


def test_several_labels() -> None:
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, (N, 3))
    outputs = rng.uniform(size=(N, 3))
    yes = outputs >= 0.5
    found = scored(outputs, y, "sigmoid")
    assert found.value == pytest.approx(np.mean(yes == y))
    assert found.others == {"F1": pytest.approx(sklearn.f1_score(y, yes, average="macro"))}
    assert found.by_output == tuple(
        {
            "accuracy": pytest.approx(sklearn.accuracy_score(y[:, i], yes[:, i])),
            "F1": pytest.approx(sklearn.f1_score(y[:, i], yes[:, i])),
        }
        for i in range(3)
    )


def test_regression() -> None:
    rng = np.random.default_rng(6)
    y = rng.normal(size=(N, 2)) * [1, 100]
    outputs = y + rng.normal(size=(N, 2))
    found = scored(outputs, y)
    squared = partial(sklearn.mean_squared_error, multioutput="raw_values")
    absolute = partial(sklearn.mean_absolute_error, multioutput="raw_values")
    r2 = partial(sklearn.r2_score, multioutput="raw_values")
    assert (found.metric, found.samples) == ("mean squared error", N)
    assert found.value == pytest.approx(sklearn.mean_squared_error(y, outputs))
    assert found.others == {
        "mean absolute error": pytest.approx(sklearn.mean_absolute_error(y, outputs)),
        "R2": pytest.approx(sklearn.r2_score(y, outputs)),
    }
    assert found.by_output == tuple(
        {
            "mean squared error": pytest.approx(squared(y, outputs)[i]),
            "mean absolute error": pytest.approx(absolute(y, outputs)[i]),
            "R2": pytest.approx(r2(y, outputs)[i]),
        }
        for i in range(2)
    )


def test_constant_targets_have_no_r2() -> None:
    found = scored(X[:, :1], np.full(N, 2.5))
    assert found.value == pytest.approx(np.mean((X[:, 0] - 2.5) ** 2))
    assert found.others["R2"] is None


def test_reconstruction_with_anomaly_labels() -> None:
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, N)
    outputs = X + rng.normal(size=X.shape) * (1 + y[:, None])
    errors = np.mean((outputs - X) ** 2, axis=1)
    absolute = pytest.approx(np.mean(np.abs(outputs - X)))
    expected = Score(
        "mean squared error", N, pytest.approx(errors.mean()), {"mean absolute error": absolute}
    )
    assert scored(outputs, None) == expected
    area = pytest.approx(sklearn.roc_auc_score(y, errors))
    assert scored(outputs, y).others == {"mean absolute error": absolute, "ROC AUC": area}


def test_only_samples_with_finite_labels_count() -> None:
    y = X[:, 0].copy()
    y[7:] = np.nan
    found = scored(X[:, :1] + 2, y)
    assert (found.samples, found.value) == (7, pytest.approx(4))


def test_long_lists_of_outputs_and_classes_are_omitted() -> None:
    shape: Shape = (N, MOST_PARTS + 1)
    y = np.random.default_rng(8).normal(size=shape)
    assert scored(y, y).by_output == ()
    assert scored(y, np.arange(N)).confusion == ()


def test_data_without_a_score() -> None:
    model = ModelShape((4,), (3,))
    nothing = Targets(None, np.empty(0), np.arange(0))
    assert score(model, nothing, np.zeros((N, 3))) is None
    y = np.arange(N) % 3
    assert score(model, find_targets(model, X, y), np.full((N, 3), np.inf)) is None
